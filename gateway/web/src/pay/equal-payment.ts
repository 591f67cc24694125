import type { Transfer } from "../api/types";
import type { Minor } from "../money";

export interface Credit {
  account: string;
  amount: Minor;
}

/** Payments as recent as this are compared. */
export const recent_ms = 10 * 60 * 1_000;

/** Whether two payments give the same people the same amounts, in whichever order. */
export function isEqualPayment(one: Credit[], other: Credit[]): boolean {
  const sorted = (credits: Credit[]) =>
    credits
      .map(({ account, amount }) => `${account} ${amount}`)
      .sort()
      .join();
  return one.length === other.length && sorted(one) === sorted(other);
}

/** The first of these transfers that pays what credits would pay again. */
export function findEqual(credits: Credit[], payer: string, transfers: Transfer[]): Transfer | null {
  return (
    transfers.find(
      ({ kind, debit, credits: paid, reversed_by }) =>
        kind === "transfer" &&
        debit.account === payer &&
        reversed_by === null &&
        isEqualPayment(paid, credits),
    ) ?? null
  );
}
