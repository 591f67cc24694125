import { Problem, type Failure } from "../api/client";
import { t, type TextKey } from "./text";

const texts = {
  unauthenticated: "problem.unauthenticated",
  forbidden: "problem.forbidden",
  not_permitted: "problem.forbidden",
  csrf: "problem.csrf",
  not_found: "problem.not_found",
  account_not_found: "problem.account_not_found",
  insufficient_funds: "problem.insufficient_funds",
  account_frozen: "problem.account_frozen",
  account_closed: "problem.account_closed",
  limit_exceeded: "problem.limit_exceeded",
  balance_limit: "problem.balance_limit",
  amount_overflow: "problem.balance_limit",
  key_reused: "problem.key_reused",
  rate_limited: "problem.rate_limited",
  overloaded: "problem.busy",
  not_leader: "problem.busy",
  outcome_unknown: "problem.outcome_unknown",
  already_reversed: "problem.already_reversed",
  unexplained: "problem.unexplained",
  internal_error: "problem.unexplained",
  invalid_request: "problem.invalid_request",
  malformed_json: "problem.invalid_request",
  idempotency_key_missing: "problem.invalid_request",
  same_account: "problem.same_account",
  currency_mismatch: "problem.currency_mismatch",
  transfer_not_found: "problem.transfer_not_found",
  chain_failed: "problem.chain_failed",
  hold_not_pending: "problem.hold_not_pending",
  name_taken: "problem.name_taken",
  account_in_use: "problem.account_in_use",
  too_large: "problem.too_large",
  request_timeout: "problem.request_timeout",
} as const satisfies Record<string, TextKey>;

/** A failed request in the words of the person who reads it; what has none here is told as the gateway does. */
export function problemText(failure: Failure): string {
  if (!(failure instanceof Problem)) return t("state.offline_text");
  return refusalText(failure.code) ?? failure.message;
}

/** A code of the API in words, undefined where it has none. */
export function refusalText(code: string): string | undefined {
  return code in texts ? t(texts[code as keyof typeof texts]) : undefined;
}
