import { attemptsAt } from "../attempt/attempt-store";
import { request } from "../api/client";
import type { Entry, Page, Transfer } from "../api/types";
import { findEqual, isEqualPayment, recent_ms } from "./equal-payment";
import { attemptsOf, creditsOf, totalOf, type Order } from "./order";

/** A payment like the one that is about to be sent: made, or begun on another page and of unknown outcome. */
export type EqualPayment = { transfer: Transfer } | { openKey: string };

const entries_at_most = 100;
const compared_at_most = 5;

/** An equal payment of the last minutes, by the ledger's clock. Throws what request throws. */
export async function findEqualPayment(order: Order, key: string): Promise<EqualPayment | null> {
  const credits = creditsOf(order);
  const open = attemptsAt<Order>(attemptsOf(order.account)).find(
    (attempt) => attempt.key !== key && isEqualPayment(creditsOf(attempt.order), credits),
  );
  if (open !== undefined) return { openKey: open.key };

  const query = new URLSearchParams({ direction: "out", limit: String(entries_at_most) });
  const { body, headers } = await request<Page<Entry>>(`/v1/accounts/${order.account}/entries?${query}`);
  const now = Date.parse(headers.get("Date") ?? "") || Date.now();
  const total = totalOf(order);
  const people = new Set(credits.map(({ account }) => account));
  const alike = body.data.filter(
    ({ kind, at, amount, counterparties }) =>
      kind === "transfer" &&
      now - Date.parse(at) < recent_ms &&
      amount === -total &&
      counterparties.length === people.size &&
      counterparties.every((account) => people.has(account)),
  );
  const transfers = await Promise.all(
    alike
      .slice(0, compared_at_most)
      .map(async ({ transfer }) => (await request<Transfer>(`/v1/transfers/${transfer}`)).body),
  );
  const transfer = findEqual(credits, order.account, transfers);
  return transfer === null ? null : { transfer };
}
