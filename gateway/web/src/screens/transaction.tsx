import type { ComponentChildren } from "preact";
import type { Account, Leg, Transfer } from "../api/types";
import { useResource, useWallet } from "../api/use-resource";
import { Amount } from "../components/amount";
import { Button } from "../components/button";
import { Icon } from "../components/icon";
import { Page } from "../components/page";
import { Avatar } from "../components/person";
import { Loaded } from "../components/states";
import { Table } from "../components/table";
import { entryTitle, kindText, partyName } from "../i18n/entry-text";
import { t } from "../i18n/text";
import { formatExact } from "../i18n/time";
import { cameFrom } from "../router";
import { Refund, refundedBy } from "./refund";
import { balanceAfter, changeOf, othersOf, partyOf } from "./transaction-party";

export function Transaction({ id }: { id: string }) {
  const wallet = useWallet();
  const transfer = useResource<Transfer>(`/v1/transfers/${encodeURIComponent(id)}`);
  const from = cameFrom();
  return (
    <Page
      class="narrow"
      title={transfer.data === undefined ? t("transaction.title") : titleOf(transfer.data, wallet)}
      back={{
        href: from.startsWith("/app/transactions?") ? from : "/app/transactions",
        text: t("transaction.back"),
      }}
      actions={
        <Button onClick={() => window.print()}>
          <Icon name="print" />
          {t("transaction.print")}
        </Button>
      }
    >
      <Loaded resource={transfer} rows={5}>
        {(data) => <Details transfer={data} wallet={wallet} />}
      </Loaded>
    </Page>
  );
}

function titleOf(transfer: Transfer, wallet: Account): string {
  if (transfer.kind !== "transfer") return kindText(transfer.kind);
  const name = entryTitle({ kind: transfer.kind, parties: othersOf(transfer, wallet) });
  return transfer.debit.account === wallet.id
    ? t("transaction.to", { name })
    : t("transaction.from", { name });
}

function Details({ transfer, wallet }: { transfer: Transfer; wallet: Account }) {
  const { currency } = transfer;
  const balance = balanceAfter(transfer, wallet.id);
  const refunded = refundedBy(transfer);
  return (
    <>
      <section class="card" aria-label={t("transaction.details")}>
        <p class="big">
          <Amount amount={changeOf(transfer, wallet.id)} currency={currency} signed />
        </p>
        <dl class="facts">
          <Fact name={t("transaction.status")}>{statusText(transfer)}</Fact>
          <Fact name={t("transaction.when")}>
            <time dateTime={transfer.at}>{formatExact(transfer.at)}</time>
          </Fact>
          {transfer.description !== null && (
            <Fact name={t("transaction.note")}>
              <bdi>{transfer.description}</bdi>
            </Fact>
          )}
          {balance !== null && (
            <Fact name={t("transaction.balance_after")}>
              <Amount amount={balance} currency={currency} />
            </Fact>
          )}
          <Fact name={t("transaction.reference")}>
            <bdi>{transfer.id}</bdi>
          </Fact>
          {refunded > 0 && (
            <Fact name={t("transaction.refunded")}>
              <Amount amount={refunded} currency={currency} />
            </Fact>
          )}
          {transfer.reverses !== null && (
            <Fact name={t("transaction.reverses")}>
              <a href={`/app/transactions/${transfer.reverses}`}>{transfer.reverses}</a>
            </Fact>
          )}
          {transfer.reversed_by !== null && (
            <Fact name={t("transaction.reversed_by")}>
              <a href={`/app/transactions/${transfer.reversed_by}`}>{transfer.reversed_by}</a>
            </Fact>
          )}
        </dl>
      </section>
      <section class="card" aria-labelledby="legs">
        <h2 id="legs">{t("transaction.legs")}</h2>
        <Legs transfer={transfer} wallet={wallet} />
      </section>
      <Refund transfer={transfer} wallet={wallet} />
    </>
  );
}

function Fact(props: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt class="soft">{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

function statusText({ status, reversed_by }: Transfer): string {
  if (reversed_by !== null) return t("status.reversed");
  switch (status) {
    case "posted":
      return t("status.posted");
    case "pending":
      return t("status.pending");
    case "captured":
      return t("status.captured");
    case "voided":
      return t("status.voided");
    case "expired":
      return t("status.expired");
  }
}

function Legs({ transfer, wallet }: { transfer: Transfer; wallet: Account }) {
  const { currency } = transfer;
  const rows: { side: string; leg: Leg; amount: number }[] = [
    { side: t("transaction.payer"), leg: transfer.debit, amount: -Math.abs(transfer.debit.amount) },
    ...transfer.credits.map((leg) => ({ side: t("transaction.payee"), leg, amount: leg.amount })),
  ];
  return (
    <Table
      class="legs"
      caption={t("transaction.legs")}
      captionHidden
      rows={rows.map((row, number) => ({ ...row, number }))}
      rowKey={(row) => row.number}
      columns={[
        {
          name: "who",
          heading: t("entries.who"),
          rowHeading: true,
          plain: true,
          cell: ({ leg }) => <LegParty transfer={transfer} account={leg.account} wallet={wallet} />,
        },
        {
          name: "side",
          heading: t("transaction.side"),
          plain: true,
          cell: ({ side }) => <span class="soft">{side}</span>,
        },
        {
          name: "amount",
          heading: t("entries.amount"),
          numeric: true,
          plain: true,
          cell: ({ amount }) => <Amount amount={amount} currency={currency} signed />,
        },
      ]}
    />
  );
}

function LegParty(props: { transfer: Transfer; account: string; wallet: Account }) {
  const { transfer, account, wallet } = props;
  if (account === wallet.id)
    return (
      <span class="who">
        <Avatar name={partyOf(transfer, account).display_name ?? "•"} />
        {t("party.you")}
      </span>
    );
  const party = partyOf(transfer, account);
  const isFunding = party.display_name === null && transfer.kind === "top_up";
  const name = isFunding ? kindText("top_up") : partyName(party);
  return (
    <span class="who">
      <Avatar name={isFunding ? "+" : name} />
      <a href={`/app/transactions?counterparty=${account}`}>
        <bdi>{name}</bdi>
      </a>
    </span>
  );
}
