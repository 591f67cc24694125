import { isBlank, type Draft } from "./draft";
import type { Person } from "./people";

/** What a tab keeps of a payment by its key: the draft, and whom its addresses belong to. */
export interface KeptDraft {
  account: string;
  draft: Draft;
  people: Person[];
}

const place = (key: string) => `pay/draft/${key}`;

/** The draft of a payment out of an account, null where this tab has none. */
export function loadDraft(key: string, account: string): KeptDraft | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(place(key)) ?? "null") as KeptDraft | null;
    return kept?.account === account ? kept : null;
  } catch {
    return null;
  }
}

const written_place = "pay/written";

/** The payment whose form this tab has shown last, null where that was sent. */
export function writtenKey(): string | null {
  try {
    return sessionStorage.getItem(written_place);
  } catch {
    return null;
  }
}

/** Notes that a payment is being written, or that it was sent. */
export function noteWritten(key: string, isUnsent: boolean): void {
  try {
    if (isUnsent) sessionStorage.setItem(written_place, key);
    else if (writtenKey() === key) sessionStorage.removeItem(written_place);
  } catch {
    // Without storage the next payment begins empty.
  }
}

export function saveDraft(key: string, kept: KeptDraft): void {
  try {
    if (isBlank(kept.draft)) sessionStorage.removeItem(place(key));
    else sessionStorage.setItem(place(key), JSON.stringify(kept));
  } catch {
    // Without storage, or with a full one, the draft lives as long as its page.
  }
}
