import { useState } from "preact/hooks";
import type { Transfer } from "../api/types";
import { useMe, useResource, useWallet } from "../api/use-resource";
import { Amount } from "../components/amount";
import { Button, LinkButton } from "../components/button";
import { Icon } from "../components/icon";
import { Page } from "../components/page";
import { Notice } from "../components/states";
import { t } from "../i18n/text";
import { formatExact } from "../i18n/time";
import { formatMoney } from "../money";
import { partyName } from "../i18n/entry-text";
import { partyOf } from "../screens/transaction-party";
import { announce } from "../status";
import { loadDraft } from "./draft-store";
import { newPayment, newPaymentOf } from "./new-payment";
import { Fact, OrderTable } from "./order-table";
import { draftLike } from "./pay-again";

interface Props {
  transfer: Transfer;
  paymentKey: string;
  /** Makes a new payment of what was entered here, where something else was sent with the key. */
  unsent?: () => void;
}

/** What was paid, at the address of the payment for good. */
export function Receipt({ transfer, paymentKey, unsent }: Props) {
  const wallet = useWallet();
  const me = useMe();
  const [busy, setBusy] = useState(false);
  // The answer to a payment has no names; those of people who were just paid may be seen now.
  const named = useResource<Transfer>(`/v1/transfers/${transfer.id}`).data ?? transfer;
  const people = loadDraft(paymentKey, wallet.id)?.people ?? [];
  const { currency, debit, description } = transfer;

  const rows = transfer.credits.map(({ account, amount }) => {
    const person = people.find((each) => each.account === account);
    const party = partyOf(named, account);
    const name = party.display_name ?? person?.name ?? (person === undefined ? partyName(party) : null);
    return { name, email: person?.email ?? null, amount };
  });
  const first = rows[0]?.name ?? rows[0]?.email ?? "";
  const total = formatMoney(transfer.amount, currency);
  const title =
    rows.length === 1
      ? t("receipt.title_one", { total, name: first })
      : t("receipt.title", { total, count: rows.length });

  const copy = () =>
    navigator.clipboard.writeText(window.location.href).then(
      () => announce(t("receipt.copied")),
      () => announce(t("receipt.copy_failed")),
    );
  const again = async () => {
    setBusy(true);
    const { draft, missing } = await draftLike(named, people);
    if (missing > 0) announce(t("receipt.missing_addresses", { count: missing }));
    newPaymentOf(wallet.id, draft, people);
  };

  return (
    <Page class="narrow receipt" title={title}>
      {unsent !== undefined && (
        <Notice
          tone="warning"
          role="alert"
          title={t("reused.title")}
          action={<Button onClick={unsent}>{t("reused.new")}</Button>}
        >
          <p>{t("reused.text")}</p>
        </Notice>
      )}
      {named.reversed_by !== null && (
        <Notice tone="warning" title={t("receipt.reversed")}>
          <a href={`/app/transactions/${named.reversed_by}`}>{t("receipt.transaction")}</a>
        </Notice>
      )}
      <section class="card">
        <p class="receipt-done">
          <span class="tick">
            <Icon name="check" />
          </span>
          {t("receipt.done")}
        </p>
        <dl class="facts">
          <Fact name={t("receipt.reference")}>
            <bdi>{transfer.id}</bdi>
          </Fact>
          <Fact name={t("receipt.when")}>
            <time dateTime={transfer.at}>{formatExact(transfer.at)}</time>
          </Fact>
          <Fact name={t("receipt.from")}>
            <bdi>{me.display_name}</bdi>
          </Fact>
          {description !== null && (
            <Fact name={t("receipt.note")}>
              <bdi>{description}</bdi>
            </Fact>
          )}
          <Fact name={t("review.total")}>
            <strong>
              <Amount amount={transfer.amount} currency={currency} />
            </strong>
          </Fact>
          {debit.balance !== null && (
            <Fact name={t("receipt.balance")}>
              <Amount amount={debit.balance} currency={currency} />
            </Fact>
          )}
        </dl>
      </section>
      <section class="card">
        <h2>{t("receipt.people")}</h2>
        <OrderTable caption={t("receipt.people")} currency={currency} rows={rows} />
      </section>
      <div class="actions">
        <Button look="primary" onClick={() => newPayment()}>
          {t("receipt.new")}
        </Button>
        <Button busy={busy} onClick={() => void again()}>
          {t("receipt.again")}
        </Button>
        <Button onClick={() => window.print()}>
          <Icon name="print" />
          {t("receipt.print")}
        </Button>
        <Button onClick={() => void copy()}>{t("receipt.copy")}</Button>
        <LinkButton href={`/app/transactions/${transfer.id}`}>{t("receipt.transaction")}</LinkButton>
      </div>
    </Page>
  );
}
