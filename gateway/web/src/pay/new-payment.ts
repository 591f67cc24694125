import { newKey } from "../idempotency-key";
import { navigate } from "../router";
import type { Draft } from "./draft";
import { saveDraft } from "./draft-store";
import type { Person } from "./people";

const made = new Set<string>();

/** Whether a key was made by this very page, so that nobody can have used it yet. */
export const isFresh = (key: string): boolean => made.has(key);

/** A key was used, or may have been: from now on the ledger is asked. */
export const markUsed = (key: string): boolean => made.delete(key);

/** Goes to a payment with a key of its own. */
export function newPayment(options: { replace?: boolean } = {}): void {
  const key = newKey();
  made.add(key);
  navigate(`/app/pay/${key}`, options);
}

/** Goes to a payment that begins with a draft. */
export function newPaymentOf(account: string, draft: Draft, people: Person[]): void {
  const key = newKey();
  made.add(key);
  saveDraft(key, { account, draft, people });
  navigate(`/app/pay/${key}`);
}
