import { formatMoney, parseMoney, type Minor } from "../money";
import type { ListedPayment } from "./payment-list";

/** A line of the form as it was typed. Rows are never changed in place: what is known of one is kept by the object. */
export interface Row {
  id: number;
  email: string;
  amount: string;
}

/** A payment that is being written. Amounts are text in the way of locale. */
export interface Draft {
  rows: Row[];
  note: string;
  locale: string;
}

/** The most payments at once: the gateway resolves as many addresses in a request. */
export const rows_at_most = 1_000;

export const isEmpty = (row: Row): boolean => row.email.trim() === "" && row.amount.trim() === "";

/** Whether nothing has been entered yet. */
export const isBlank = ({ rows, note }: Draft): boolean => note === "" && rows.every(isEmpty);

const nextId = (rows: Row[]) => rows.reduce((highest, { id }) => Math.max(highest, id), 0) + 1;

export function emptyDraft(locale: string): Draft {
  return { rows: [{ id: 1, email: "", amount: "" }], note: "", locale };
}

/** A draft of payments, which stand in place of empty rows and after the others. */
export function withPayments(draft: Draft, payments: ListedPayment[], currency: string): Draft {
  const kept = draft.rows.filter((row) => !isEmpty(row));
  let id = nextId(draft.rows);
  const added = payments.map(({ email, amount }) => ({
    id: id++,
    email,
    amount: amount === null ? "" : formatMoney(amount, currency, { bare: true, locale: draft.locale }),
  }));
  return { ...draft, rows: [...kept, ...added] };
}

/** Adds an empty row at the end, unless there are as many as there can be; its id is the second. */
export function withRow(draft: Draft): [Draft, number | null] {
  if (draft.rows.length >= rows_at_most) return [draft, null];
  const id = nextId(draft.rows);
  return [{ ...draft, rows: [...draft.rows, { id, email: "", amount: "" }] }, id];
}

/** Removes a row; one is always there. */
export function withoutRow(draft: Draft, id: number): Draft {
  const rows = draft.rows.filter((row) => row.id !== id);
  return { ...draft, rows: rows.length > 0 ? rows : [{ id: nextId(draft.rows), email: "", amount: "" }] };
}

export function withChange(draft: Draft, id: number, change: Partial<Omit<Row, "id">>): Draft {
  return { ...draft, rows: draft.rows.map((row) => (row.id === id ? { ...row, ...change } : row)) };
}

/** The rows that a sum is split over: those with an address, or all where none has. */
export function sharers(draft: Draft): Row[] {
  const named = draft.rows.filter(({ email }) => email.trim() !== "");
  return named.length > 0 ? named : draft.rows;
}

export function withAmounts(draft: Draft, amounts: Map<number, Minor>, currency: string): Draft {
  const rows = draft.rows.map((row) => {
    const amount = amounts.get(row.id);
    if (amount === undefined) return row;
    return { ...row, amount: formatMoney(amount, currency, { bare: true, locale: draft.locale }) };
  });
  return { ...draft, rows };
}

/** The same amounts as another locale writes them: "1,000" must not become 1.000 because the language was changed. */
export function inLocale(draft: Draft, currency: string, locale: string): Draft {
  if (draft.locale === locale) return draft;
  const rows = draft.rows.map((row) => {
    const { amount } = parseMoney(row.amount, currency, draft.locale);
    return { ...row, amount: amount === null ? "" : formatMoney(amount, currency, { bare: true, locale }) };
  });
  return { ...draft, rows, locale };
}
