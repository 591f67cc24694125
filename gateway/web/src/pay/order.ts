import type { Minor } from "../money";
import type { Payment } from "./assess";

/** A payment as it is sent, with whom the people are for those who read it. */
export interface Order {
  account: string;
  payments: Payment[];
  note: string | null;
}

export const totalOf = ({ payments }: Order): Minor => payments.reduce((sum, { amount }) => sum + amount, 0);

export const creditsOf = ({ payments }: Order) =>
  payments.map(({ account, amount }) => ({ account, amount }));

/** The body of POST /v1/transfers: the same each time, as the ledger compares it with what the key was used for. */
export function bodyOf(order: Order) {
  return { debit: order.account, credits: creditsOf(order), description: order.note };
}

/** Where an attempt at a payment is kept. */
export const attemptsOf = (account: string) => `pay/attempt/${account}/`;
