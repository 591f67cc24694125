/** The objects of the HTTP API (gateway/openapi.json) that the app reads. Amounts are minor units. */
import type { Minor } from "../money";

export interface Currency {
  code: string;
  exponent: number;
}
export interface Provider {
  name: string;
  label: string;
}
export interface Config {
  currencies: Currency[];
  providers: Provider[];
  demo_funding: null | { max_top_up_major_units: number; max_daily_major_units: number };
}

export interface Account {
  id: string;
  name: string | null;
  currency: string;
  balance: Minor;
  held: Minor;
  available: Minor | null;
  status: "open" | "frozen" | "closed";
  version: number;
}
export interface Identity {
  provider: string;
  email: string | null;
  email_verified: boolean;
  payable: boolean;
}
export type Theme = "light" | "dark" | "system";
export interface Me {
  accounts: Account[];
  display_name: string;
  locale: string | null;
  theme: Theme;
  identities: Identity[];
  session: string;
  /** null: linking an identity needs a new sign-in. */
  link_token: string | null;
}
export interface Session {
  id: string;
  created_at: string;
  last_seen_at: string;
  expires_at: string;
  user_agent: string | null;
  provider: string;
  current: boolean;
}

export type Kind = "transfer" | "hold" | "capture" | "void" | "reverse" | "top_up";
export interface Party {
  account: string;
  display_name: string | null;
}
export interface Entry {
  version: number;
  transfer: string;
  amount: Minor;
  balance: Minor;
  kind: Kind;
  counterparties: string[];
  parties: Party[];
  description: string | null;
  at: string;
}
export interface Page<Row> {
  data: Row[];
  has_more: boolean;
  next_cursor: string | null;
}
export interface Leg {
  account: string;
  amount: Minor;
  balance: Minor | null;
  version: number | null;
}
export interface Transfer {
  id: string;
  kind: Kind;
  status: "posted" | "pending" | "captured" | "voided" | "expired";
  currency: string;
  amount: Minor;
  description: string | null;
  at: string;
  key: string | null;
  debit: Leg;
  credits: Leg[];
  reverses: string | null;
  reversed_by: string | null;
  parties?: Party[];
  /** What payees have given back; only in answers to GET. */
  refunded?: { account: string; amount: Minor }[];
}

export interface SummaryRow {
  start: string;
  in: Minor;
  out: Minor;
  closing: Minor;
}
export interface SummaryParty extends Party {
  in: Minor;
  out: Minor;
}
export interface Summary {
  data: SummaryRow[];
  by: SummaryParty[];
}

export interface Balance {
  account: string;
  currency: string | null;
  balance: Minor | null;
  held: Minor | null;
  available: Minor | null;
  version: number | null;
}

/** An answer that is no success (RFC 9457). */
export interface ProblemDocument {
  title: string;
  status: number;
  detail: string;
  code: string;
  errors?: { pointer: string; detail: string }[];
  account?: string;
  balance?: Minor;
  required?: Minor;
  available?: Minor;
}
