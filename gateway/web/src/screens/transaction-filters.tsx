import type { Ref } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Party, Summary } from "../api/types";
import { useResource, useWallet } from "../api/use-resource";
import { Button } from "../components/button";
import { Choice } from "../components/choice";
import { SelectField, TextField } from "../components/field";
import { MoneyField, moneyErrorText } from "../components/money-field";
import { partyName } from "../i18n/entry-text";
import { language, localeTag } from "../i18n/locale";
import { t } from "../i18n/text";
import { midnight, timeZone } from "../i18n/time";
import { formatMoney, parseMoney } from "../money";
import { address, location } from "../router";
import { filterOf, isFiltered, longest_search, type EntryFilter } from "./entry-filter";

interface Props {
  filter: EntryFilter;
  currency: string;
  onChange: (filter: EntryFilter) => void;
  onClear: () => void;
  searchRef: Ref<HTMLInputElement>;
}

export function TransactionFilters({ filter, currency, onChange, onClear, searchRef }: Props) {
  // A pause while typing may end after something else has changed: the address knows.
  const set = (change: Partial<EntryFilter>) => onChange({ ...filterOf(location().query), ...change });
  const { q: _q, counterparty: _counterparty, direction: _direction, ...rest } = filter;
  const narrowed = Object.values(rest).filter((value) => value !== "").length;
  const [open, setOpen] = useState(narrowed > 0);
  const reversed = filter.from !== "" && filter.to !== "" && filter.to < filter.from;
  return (
    <form
      class="filters card"
      role="search"
      aria-label={t("transactions.search")}
      onSubmit={(e) => e.preventDefault()}
    >
      <SearchField inputRef={searchRef} value={filter.q} onChange={(q) => set({ q })} />
      <PersonField value={filter.counterparty} onChange={(counterparty) => set({ counterparty })} />
      <Choice
        legend={t("transactions.direction")}
        value={filter.direction}
        options={[
          { value: "", text: t("transactions.both") },
          { value: "in", text: t("overview.in") },
          { value: "out", text: t("overview.out") },
        ]}
        onChange={(direction) => set({ direction })}
      />
      <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          {narrowed > 0 ? t("transactions.filters_set", { count: narrowed }) : t("transactions.filters")}
        </summary>
        <div class="filter-grid">
          <AmountField
            label={t("transactions.min_amount")}
            currency={currency}
            value={filter.min_amount}
            onChange={(min_amount) => set({ min_amount })}
          />
          <AmountField
            label={t("transactions.max_amount")}
            currency={currency}
            value={filter.max_amount}
            atLeast={filter.min_amount}
            onChange={(max_amount) => set({ max_amount })}
          />
          <TextField
            type="date"
            label={t("transactions.from")}
            value={filter.from}
            onInput={(from) => set({ from })}
          />
          <TextField
            type="date"
            label={t("transactions.to")}
            value={filter.to}
            error={reversed && t("transactions.reversed")}
            onInput={(to) => set({ to })}
          />
        </div>
      </details>
      {isFiltered(filter) && (
        <Button look="quiet" onClick={onClear}>
          {t("transactions.clear")}
        </Button>
      )}
    </form>
  );
}

// Long enough for a word to be typed, short enough not to wait for.
const pause_ms = 300;

function SearchField(props: {
  inputRef: Ref<HTMLInputElement>;
  value: string;
  onChange: (q: string) => void;
}) {
  const { inputRef, value, onChange } = props;
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onChange(text), pause_ms);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <TextField
      type="search"
      label={t("transactions.note")}
      inputRef={inputRef}
      value={text}
      maxLength={longest_search}
      onInput={setText}
    />
  );
}

/** People there was most with in a year, and those paid last, by name; any other while the address asks for it. */
function PersonField({ value, onChange }: { value: string; onChange: (account: string) => void }) {
  const { id } = useWallet();
  const query = { from: midnight(-364), bucket: "month", by: "counterparty", tz: timeZone() };
  const { data } = useResource<Summary>(address(`/v1/accounts/${id}/summary`, query));
  const recent = useResource<{ data: Party[] }>("/v1/recipients").data?.data ?? [];
  const named = [...(data?.by ?? []), ...recent].filter((party) => party.display_name !== null);
  const byAccount = new Map(named.map((party) => [party.account, party]));
  if (value !== "" && !byAccount.has(value)) byAccount.set(value, { account: value, display_name: null });
  const people = [...byAccount.values()];
  const collator = new Intl.Collator(language());
  people.sort((a, b) => collator.compare(partyName(a), partyName(b)));
  return (
    <SelectField
      label={t("transactions.person")}
      value={value}
      options={[
        { value: "", text: t("transactions.anybody") },
        ...people.map((party) => ({ value: party.account, text: partyName(party) })),
      ]}
      onChange={onChange}
    />
  );
}

/** A bound of amounts; text that is none stays where it was typed, with its error, and narrows nothing. */
function AmountField(props: {
  label: string;
  currency: string;
  value: string;
  atLeast?: string;
  onChange: (amount: string) => void;
}) {
  const { currency, value, atLeast = "" } = props;
  const written = value === "" ? "" : formatMoney(Number(value), currency, { bare: true });
  const [text, setText] = useState(written);
  const parsed = parseMoney(text, currency);
  const typed = parsed.error === null ? String(parsed.amount) : "";
  useEffect(() => {
    if (value !== typed) setText(written);
  }, [value, localeTag()]);
  useEffect(() => {
    if (typed === value) return;
    const timer = setTimeout(() => props.onChange(typed), pause_ms);
    return () => clearTimeout(timer);
  }, [typed]);
  const error =
    parsed.error !== null && parsed.error !== "empty"
      ? moneyErrorText(parsed.error, currency)
      : value !== "" && atLeast !== "" && Number(value) < Number(atLeast) && t("transactions.bounds");
  return <MoneyField label={props.label} currency={currency} value={text} error={error} onInput={setText} />;
}
