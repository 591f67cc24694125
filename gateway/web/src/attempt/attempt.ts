import { Problem, type Failure } from "../api/client";
import type { Transfer } from "../api/types";

/** Money on its way: what was ordered under a key, and how many requests for it have ended without an answer. */
export interface Attempt<Order> {
  key: string;
  order: Order;
  unanswered: number;
}

/**
 * Where an order stands. open: nothing has been sent, or it was refused for certain. sending: a request is on its way.
 * unknown: it may have been executed; the same request with the same key will tell. done: it was, once.
 */
export type State<Order> =
  | { name: "open"; failure: Failure | null }
  | { name: "sending"; attempt: Attempt<Order> }
  | { name: "unknown"; attempt: Attempt<Order> }
  | { name: "done"; transfer: Transfer };

export type Event<Order> =
  | { name: "send"; key: string; order: Order }
  /** An attempt of an earlier visit, or of another tab. */
  | { name: "found"; attempt: Attempt<Order> }
  | { name: "repeat" }
  /** Why an order was refused has been read, and it is changed. */
  | { name: "reopened" }
  | { name: "answered"; transfer: Transfer }
  | { name: "failed"; failure: Failure }
  /** Another tab has had an answer; what it was, the ledger knows. */
  | { name: "settled_elsewhere"; transfer: Transfer | null };

export function next<Order>(state: State<Order>, event: Event<Order>): State<Order> {
  switch (event.name) {
    case "send":
      if (state.name !== "open") return state;
      return { name: "sending", attempt: { key: event.key, order: event.order, unanswered: 0 } };
    case "found":
      return state.name === "open" ? { name: "unknown", attempt: unanswered(event.attempt) } : state;
    case "repeat":
      return state.name === "unknown" ? { name: "sending", attempt: state.attempt } : state;
    case "reopened":
      return state.name === "open" ? { name: "open", failure: null } : state;
    case "answered":
      return { name: "done", transfer: event.transfer };
    case "failed":
      if (state.name !== "sending") return state;
      return isSettledBy(event.failure, state.attempt)
        ? { name: "open", failure: event.failure }
        : { name: "unknown", attempt: unanswered(state.attempt) };
    case "settled_elsewhere":
      if (event.transfer !== null) return { name: "done", transfer: event.transfer };
      return state.name === "unknown" ? { name: "open", failure: null } : state;
  }
}

export const unanswered = <Order>(attempt: Attempt<Order>): Attempt<Order> => ({
  ...attempt,
  unanswered: attempt.unanswered + 1,
});

// What the gateway answers before it gives anything to the ledger, and what somebody else is told of an attempt that is
// not theirs: another person may have signed in meanwhile.
const not_executed = [
  "unauthenticated",
  "csrf",
  "rate_limited",
  "overloaded",
  "not_leader",
  "account_not_found",
  "not_found",
  "forbidden",
];

/**
 * Whether a failed request says for certain that nothing was paid. A refusal does. That this request was not executed
 * says nothing of an earlier one with the same key.
 */
export function isSettledBy(failure: Failure, attempt: Pick<Attempt<unknown>, "unanswered">): boolean {
  if (!(failure instanceof Problem)) return false;
  if (not_executed.includes(failure.code)) return attempt.unanswered === 0;
  return failure.status >= 400 && failure.status < 500 && failure.status !== 408;
}

const wait_ms = { first: 1_000, most: 15_000 };

/** How long to wait before the same request is sent again: longer each time. */
export function waitBefore({ unanswered }: Pick<Attempt<unknown>, "unanswered">): number {
  return Math.min(wait_ms.first * 2 ** Math.max(0, unanswered - 1), wait_ms.most);
}
