import { useRef } from "preact/hooks";
import { useWallet } from "../api/use-resource";
import { Button, LinkButton } from "../components/button";
import { EntryTable } from "../components/entry-table";
import { Icon } from "../components/icon";
import { Page } from "../components/page";
import { FailedNotice, Notice, Skeleton } from "../components/states";
import { t } from "../i18n/text";
import { formatMoney } from "../money";
import { address, navigate, useLocation } from "../router";
import { emptyFilter, filterOf, isFiltered, pageQuery, requestQuery, type EntryFilter } from "./entry-filter";
import { NothingYet } from "./overview";
import { TransactionFilters } from "./transaction-filters";
import { useEntries } from "./use-entries";

const rows_a_page = 50;

export function Transactions() {
  const { query } = useLocation();
  const wallet = useWallet();
  const filter = filterOf(query);
  const search = requestQuery(filter);
  const list = `/v1/accounts/${wallet.id}/entries`;
  const entries = useEntries(address(list, { limit: String(rows_a_page), ...search }));
  // While another filter is asked for, what the last one found stays in sight.
  const before = useRef(entries.entries);
  if (entries.entries !== undefined) before.current = entries.entries;
  const shown = entries.entries ?? (entries.loading && before.current?.length ? before.current : undefined);
  const show = (wanted: EntryFilter) =>
    navigate(address("/app/transactions", pageQuery(wanted)), { replace: true });

  const searchField = useRef<HTMLInputElement>(null);
  // The button that was pressed goes away.
  const clear = () => {
    show(emptyFilter);
    searchField.current?.focus();
  };

  return (
    <Page
      title={t("nav.transactions")}
      actions={
        <LinkButton href={address(list, { ...search, format: "csv" })} download>
          <Icon name="download" />
          {t("transactions.csv")}
        </LinkButton>
      }
    >
      <p class="soft small">
        {t("transactions.csv_hint", {
          minor: "\u2066-1000\u2069",
          amount: formatMoney(-1000, wallet.currency),
        })}
      </p>
      <TransactionFilters
        filter={filter}
        currency={wallet.currency}
        onChange={show}
        onClear={clear}
        searchRef={searchField}
      />
      <section class="card" aria-label={t("nav.transactions")}>
        <FailedNotice resource={entries} />
        {shown === undefined ? (
          entries.loading && <Skeleton rows={8} />
        ) : shown.length > 0 ? (
          <EntryTable
            entries={shown}
            currency={wallet.currency}
            caption={t("nav.transactions")}
            busy={entries.loading}
          />
        ) : isFiltered(filter) ? (
          <Notice
            role="status"
            title={t("transactions.none_found")}
            action={<Button onClick={clear}>{t("transactions.clear")}</Button>}
          >
            <p>{t("transactions.none_found_text")}</p>
          </Notice>
        ) : (
          <NothingYet />
        )}
        {entries.entries !== undefined && entries.entries.length > 0 && (
          <div class="list-foot">
            <p class="soft small" role="status">
              {entries.hasMore
                ? t("transactions.some", { count: entries.entries.length })
                : t("transactions.all", { count: entries.entries.length })}
            </p>
            {entries.hasMore && (
              <Button onClick={entries.loadMore} busy={entries.loading}>
                {t("transactions.more")}
              </Button>
            )}
          </div>
        )}
      </section>
    </Page>
  );
}
