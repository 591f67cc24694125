import { Problem, request, type Failure } from "../api/client";
import type { Transfer } from "../api/types";
import { newKey } from "../idempotency-key";

export interface RefundBody {
  account: string;
  amount: number;
  description: string;
}

/** A refund on its way. Its key outlives a reload; sent is what went out with it and has no definite answer yet. */
export interface Attempt {
  key: string;
  sent: RefundBody | null;
}

const place = (transfer: string) => `refund/${transfer}`;

/** The attempt at refunding a transfer that this tab is in the middle of, or a new one. */
export function loadAttempt(transfer: string, storage: Storage = sessionStorage): Attempt {
  try {
    const found = JSON.parse(storage.getItem(place(transfer)) ?? "null") as Attempt | null;
    if (found !== null) return found;
  } catch {
    // What cannot be read was not written by this page.
  }
  return { key: newKey(), sent: null };
}

export function saveAttempt(
  transfer: string,
  attempt: Attempt | null,
  storage: Storage = sessionStorage,
): void {
  if (attempt === null) storage.removeItem(place(transfer));
  else storage.setItem(place(transfer), JSON.stringify(attempt));
}

export async function sendRefund(transfer: string, key: string, body: RefundBody): Promise<Transfer> {
  const answer = await request<Transfer>(`/v1/transfers/${transfer}:refund`, {
    method: "POST",
    body,
    headers: { "Idempotency-Key": key },
  });
  return answer.body;
}

export type Meaning = "refused" | "not_executed" | "unknown";

const not_executed = ["unauthenticated", "csrf", "rate_limited", "overloaded", "not_leader"];

/**
 * What a failed request means for the money. not_executed is about this request alone: an earlier one with the same
 * key may still have been.
 */
export function meaningOf(failure: Failure): Meaning {
  if (!(failure instanceof Problem)) return "unknown";
  if (not_executed.includes(failure.code)) return "not_executed";
  return failure.status >= 400 && failure.status < 500 && failure.status !== 408 ? "refused" : "unknown";
}
