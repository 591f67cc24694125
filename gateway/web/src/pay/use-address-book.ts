import { useEffect, useReducer } from "preact/hooks";
import { AddressBook } from "./people";

// One for all payments of a page: an address is looked up once.
let current: { account: string; book: AddressBook } | null = null;

function bookOf(account: string): AddressBook {
  if (current?.account !== account) current = { account, book: new AddressBook(account) };
  return current.book;
}

/** The address book of a wallet, and a number that changes with what it knows. */
export function useAddressBook(account: string): [AddressBook, number] {
  const book = bookOf(account);
  const [version, render] = useReducer((count: number) => count + 1, 0);
  useEffect(() => book.subscribe(() => render(undefined)), [book]);
  return [book, version];
}
