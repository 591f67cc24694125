import { useState } from "preact/hooks";
import { useLive } from "../api/live";
import type { Entry, Page as PageOf, Summary } from "../api/types";
import { useConfig, useMe, useResource, useWallet } from "../api/use-resource";
import { Amount } from "../components/amount";
import { LinkButton } from "../components/button";
import { Choice } from "../components/choice";
import { Email } from "../components/email";
import { EntryTable } from "../components/entry-table";
import { Icon } from "../components/icon";
import { Page } from "../components/page";
import { Loaded, Notice } from "../components/states";
import { t } from "../i18n/text";
import { midnight, startOfMonth, timeZone } from "../i18n/time";
import { address } from "../router";
import { BalanceChart, PartyChart, WeekChart } from "./overview-charts";

const periods = ["30", "90", "365"] as const;
type Period = (typeof periods)[number];

export function Overview() {
  return (
    <Page title={t("nav.overview")} class="overview">
      <BalanceCard />
      <Month />
      <LastEntries />
      <Charts />
    </Page>
  );
}

function BalanceCard() {
  const wallet = useWallet();
  const live = useLive();
  const { demo_funding } = useConfig();
  const payable = usePayableAddress();
  return (
    <section class="card balance-card" aria-labelledby="balance">
      <div>
        <h2 id="balance" class="soft">
          {t("overview.balance")}
          <span class={`live ${live ? "on" : ""}`}>
            {live ? t("overview.live") : t("overview.connecting")}
          </span>
        </h2>
        <p class="big">
          <Amount amount={wallet.balance} currency={wallet.currency} />
        </p>
        {wallet.held > 0 && wallet.available !== null && (
          <p class="soft">
            <Amount amount={wallet.available} currency={wallet.currency} /> {t("overview.available")} ·{" "}
            <Amount amount={wallet.held} currency={wallet.currency} /> {t("overview.held")}
          </p>
        )}
        {payable && (
          <p class="payable soft small">
            {t("overview.payable")} <Email address={payable} />
          </p>
        )}
        {wallet.status !== "open" && <p class="field-error">{t("problem.account_frozen")}</p>}
      </div>
      <div class="actions">
        <LinkButton href="/app/pay" look="primary">
          <Icon name="pay" />
          {t("nav.pay")}
        </LinkButton>
        {demo_funding !== null && (
          <LinkButton href="/app/top-up">
            <Icon name="plus" />
            {t("nav.top_up")}
          </LinkButton>
        )}
      </div>
    </section>
  );
}

function useSummary(query: Record<string, string>) {
  const { id } = useWallet();
  return useResource<Summary>(address(`/v1/accounts/${id}/summary`, { ...query, tz: timeZone() }));
}

function Month() {
  const { currency } = useWallet();
  const month = useSummary({ from: startOfMonth(), bucket: "month" });
  return (
    <section class="card month-card" aria-labelledby="month">
      <h2 id="month" class="soft">
        {t("overview.month")}
      </h2>
      <Loaded resource={month} rows={1}>
        {({ data: [row] }) => (
          <dl class="month">
            <div>
              <dt class="soft">{t("overview.in")}</dt>
              <dd class="figure incoming">
                <Amount amount={row?.in ?? 0} currency={currency} />
              </dd>
            </div>
            <div>
              <dt class="soft">{t("overview.out")}</dt>
              <dd class="figure">
                <Amount amount={row?.out ?? 0} currency={currency} />
              </dd>
            </div>
          </dl>
        )}
      </Loaded>
    </section>
  );
}

function LastEntries() {
  const { id, currency } = useWallet();
  const entries = useResource<PageOf<Entry>>(`/v1/accounts/${id}/entries?limit=10`);
  return (
    <section class="card last" aria-labelledby="last">
      <div class="card-head">
        <h2 id="last">{t("overview.last")}</h2>
        <a href="/app/transactions">{t("overview.all")}</a>
      </div>
      <Loaded resource={entries} rows={6}>
        {({ data }) =>
          data.length === 0 ? (
            <NothingYet />
          ) : (
            <EntryTable entries={data} currency={currency} caption={t("overview.last")} />
          )
        }
      </Loaded>
    </section>
  );
}

/** Where others can pay whoever is signed in. */
const usePayableAddress = () => useMe().identities.find((identity) => identity.payable)?.email;

/** Said where a wallet has no entries: why, and what one can do next. */
export function NothingYet() {
  const { demo_funding } = useConfig();
  const payable = usePayableAddress();
  return (
    <Notice
      title={t("entries.none")}
      action={
        demo_funding !== null && (
          <LinkButton href="/app/top-up" look="primary">
            {t("nav.top_up")}
          </LinkButton>
        )
      }
    >
      <p>{payable ? t("entries.none_payable", { email: payable }) : t("entries.none_text")}</p>
    </Notice>
  );
}

function Charts() {
  const [period, setPeriod] = useState<Period>("30");
  const from = midnight(1 - Number(period));
  const days = useSummary({ from, bucket: "day", by: "counterparty" });
  const weeks = useSummary({ from, bucket: "week" });
  const { currency } = useWallet();
  return (
    <div class="charts">
      <Choice
        legend={t("overview.period")}
        legendHidden
        value={period}
        options={periods.map((value) => ({ value, text: t("overview.days", { count: Number(value) }) }))}
        onChange={setPeriod}
      />
      <Loaded resource={days} rows={4}>
        {({ data, by }) => (
          <>
            <BalanceChart rows={data} currency={currency} />
            <div class="two">
              <PartyChart rows={data} parties={by} currency={currency} />
              <Loaded resource={weeks} rows={4}>
                {(summary) => <WeekChart rows={summary.data} currency={currency} />}
              </Loaded>
            </div>
          </>
        )}
      </Loaded>
    </div>
  );
}
