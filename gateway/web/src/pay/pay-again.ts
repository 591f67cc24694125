import { request } from "../api/client";
import type { Transfer } from "../api/types";
import { localeTag } from "../i18n/locale";
import { partyOf } from "../screens/transaction-party";
import { emptyDraft, withPayments, type Draft } from "./draft";
import { normalised } from "./address";
import { recipientsUrl, type Person, type Recipient } from "./people";

// The ledger has no addresses: people whose address this tab does not know are looked up by name, so many at most.
const looked_up_at_most = 50;

/** A draft that pays the same people the same amounts, and how many of the addresses could not be found. */
export async function draftLike(transfer: Transfer, known: Person[]) {
  const addresses = new Map(known.map(({ account, email }) => [account, email]));
  const find = async (q: string) => {
    try {
      const { body } = await request<{ data: Recipient[] }>(recipientsUrl(q));
      for (const { account, email } of body.data)
        if (!addresses.has(account)) addresses.set(account, normalised(email));
    } catch {
      // What is not found is left open in the form.
    }
  };
  const accounts = [...new Set(transfer.credits.map(({ account }) => account))];
  const missing = () => accounts.filter((account) => !addresses.has(account));
  if (missing().length > 0) await find("");
  for (const account of missing().slice(0, looked_up_at_most)) {
    const name = partyOf(transfer, account).display_name;
    if (name !== null && !addresses.has(account)) await find(name);
  }

  const payments = transfer.credits.map(({ account, amount }) => ({
    email: addresses.get(account) ?? "",
    amount,
  }));
  const draft: Draft = {
    ...withPayments(emptyDraft(localeTag()), payments, transfer.currency),
    note: transfer.description ?? "",
  };
  return { draft, missing: missing().length };
}
