import { parseMoney, type Minor, type MoneyError, type ParsedMoney } from "../money";
import { isAddress, normalised } from "./address";
import { isEmpty, type Draft, type Row } from "./draft";
import type { Person } from "./people";

/** What there is to say of a row. Being repeated, or not looked up yet, is no error. */
export interface Findings {
  address: "" | "missing" | "invalid" | "own" | "unknown" | "repeated";
  /** The number, from 1, of the row that has the same person. */
  repeats: number;
  amount: "" | MoneyError | "short";
  /** By how much the total up to this row passes what is available. */
  short: Minor;
  person: Person | null;
}

export interface Payment {
  row: number;
  email: string;
  account: string;
  name: string | null;
  amount: Minor;
}

export interface Assessment {
  findings: Map<number, Findings>;
  total: Minor;
  /** How many rows are not empty. */
  count: number;
  /** The rows as payments, where every address and amount is known, whether there is enough money or not; else null. */
  payments: Payment[] | null;
  /** The first row with an error, and the field. */
  firstError: { row: number; field: "email" | "amount" } | null;
}

interface Knowledge {
  currency: string;
  available: Minor;
  find: (email: string) => Person | undefined;
  /** Addresses of the payer's own wallet. */
  own: string[];
}

interface Reading {
  email: string;
  isAddress: boolean;
  money: ParsedMoney;
}

const readings = new WeakMap<Row, Reading>();

/** What a row says, read once however often the others change. */
function reading(row: Row, currency: string, locale: string): Reading {
  let found = readings.get(row);
  if (found === undefined) {
    const email = normalised(row.email);
    const money = parseMoney(row.amount, currency, locale);
    const isZero = money.amount === 0;
    found = {
      email,
      isAddress: isAddress(email),
      money: isZero ? { amount: null, error: "negative" } : money,
    };
    readings.set(row, found);
  }
  return found;
}

/** What is to be said of a draft before it is sent. Empty rows count for nothing, unless there are no others. */
export function assess(draft: Draft, knowledge: Knowledge): Assessment {
  const { currency, available, find, own } = knowledge;
  const findings = new Map<number, Findings>();
  const payments: Payment[] = [];
  const firstRows = new Map<string, number>();
  let total = 0;
  let firstError: Assessment["firstError"] = null;
  let isShort = false;
  const onlyEmpty = draft.rows.every(isEmpty);
  const filled = onlyEmpty ? draft.rows.slice(0, 1) : draft.rows.filter((row) => !isEmpty(row));
  const numbers = new Map(draft.rows.map((row, index) => [row.id, index + 1]));

  for (const row of filled) {
    const { email, isAddress, money } = reading(row, currency, draft.locale);
    const { amount, error } = money;
    const person = find(email) ?? null;
    const found: Findings = { address: "", repeats: 0, amount: error ?? "", short: 0, person };

    if (email === "") found.address = "missing";
    else if (!isAddress || person?.status === "invalid") found.address = "invalid";
    else if (own.includes(email) || person?.status === "self") found.address = "own";
    else if (person?.status === "unknown") found.address = "unknown";
    else {
      const who = person?.account ?? email;
      const first = firstRows.get(who) ?? firstRows.get(email);
      if (first !== undefined) {
        found.address = "repeated";
        found.repeats = first;
      }
      for (const name of [who, email])
        if (!firstRows.has(name)) firstRows.set(name, numbers.get(row.id) ?? 0);
    }

    total += amount ?? 0;
    if (total > available && !isShort && amount !== null) {
      isShort = true;
      found.amount = "short";
      found.short = total - available;
    }

    findings.set(row.id, found);
    const addressIsWrong = found.address !== "" && found.address !== "repeated";
    if (firstError === null && (addressIsWrong || found.amount !== ""))
      firstError = { row: row.id, field: addressIsWrong ? "email" : "amount" };
    if (!addressIsWrong && person?.account && amount !== null)
      payments.push({ row: row.id, email, account: person.account, name: person.name, amount });
  }

  return {
    findings,
    total,
    count: onlyEmpty ? 0 : filled.length,
    payments: !onlyEmpty && payments.length === filled.length ? payments : null,
    firstError,
  };
}
