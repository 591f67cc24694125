import { useEffect, useRef, useState } from "preact/hooks";
import type { Account } from "../api/types";
import { localeTag } from "../i18n/locale";
import { emptyDraft, inLocale, type Draft } from "./draft";
import { loadDraft, saveDraft } from "./draft-store";
import type { AddressBook, Person } from "./people";

// More rows than these are not written at every key.
const few_rows = 50;
const pause_ms = 300;

/** The draft of a payment, kept in this tab through reloads. */
export function useDraft(
  key: string,
  wallet: Account,
  book: AddressBook,
  known: number,
): [Draft, (change: (draft: Draft) => Draft) => void] {
  const [draft, setDraft] = useState<Draft>(() => {
    const kept = loadDraft(key, wallet.id);
    if (kept === null) return emptyDraft(localeTag());
    book.learn(kept.people);
    return inLocale(kept.draft, wallet.currency, localeTag());
  });
  const save = useRef(() => {});
  save.current = () => saveDraft(key, { account: wallet.id, draft, people: peopleOf(draft, book) });
  useEffect(() => {
    if (draft.rows.length <= few_rows) return save.current();
    const timer = setTimeout(() => save.current(), pause_ms);
    return () => clearTimeout(timer);
  }, [draft, known]);
  useEffect(() => {
    const leave = () => save.current();
    window.addEventListener("pagehide", leave);
    return () => {
      window.removeEventListener("pagehide", leave);
      leave();
    };
  }, []);
  return [draft, setDraft];
}

export function peopleOf(draft: Draft, book: AddressBook): Person[] {
  return draft.rows.map(({ email }) => book.find(email)).filter((person) => person !== undefined);
}
