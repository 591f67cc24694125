import { parseMoney, type Minor, type MoneyError } from "../money";
import { isAddress, normalised } from "./address";
import { readDelimited, type Line } from "./delimited";

/** A line of a list: whom to pay; amount null where the line has none. */
export interface ListedPayment {
  email: string;
  amount: Minor | null;
}

export type ListError =
  | { line: number; code: "no_address" | "invalid_address"; text: string }
  | { line: number; code: "invalid_amount"; text: string; error: MoneyError | "ambiguous" }
  | { line: number; code: "too_many"; text: string };

export interface PaymentList {
  payments: ListedPayment[];
  errors: ListError[];
}

const address_headings = /^(e-?mail|address|recipient|to$|البريد|المستلم)/i;
const amount_headings = /^(amount|sum|value|betrag|montant|المبلغ)/i;

/**
 * Reads lines of an address and an amount as a spreadsheet, a CSV file or a person writes them, amounts in the way of
 * the locale. A first line without any address names the columns. At most `most` payments.
 */
export function readPaymentList(text: string, currency: string, most: number, locale?: string): PaymentList {
  const { delimiter, lines } = readDelimited(text);
  const columns = columnsOf(lines[0]);
  const payments: ListedPayment[] = [];
  const errors: ListError[] = [];
  for (const { number: line, cells: found } of columns.named ? lines.slice(1) : lines) {
    const cells = found.length === 1 ? byBlank(found[0]!) : found;
    const address = cells[columns.address] ?? "";
    // The commas of an unquoted amount, "1,234.50", are no delimiters; those of "1,500" may be.
    const ownCommas = delimiter === "," && columns.amount === columns.count - 1;
    const amountText = ownCommas
      ? cells.slice(columns.amount).join(",").replace(/,+$/, "")
      : (cells[columns.amount] ?? "");
    const isAmbiguous = ownCommas && !!cells[columns.amount + 1] && !amountText.includes(".");
    const email = normalised(address);
    const amount = amountText === "" ? null : parseMoney(amountText, currency, locale);

    if (email === "") errors.push({ line, code: "no_address", text: amountText });
    else if (!isAddress(email)) errors.push({ line, code: "invalid_address", text: address });
    else if (amount?.error)
      errors.push({ line, code: "invalid_amount", text: amountText, error: amount.error });
    else if (amount?.amount === 0)
      errors.push({ line, code: "invalid_amount", text: amountText, error: "negative" });
    else if (isAmbiguous) errors.push({ line, code: "invalid_amount", text: amountText, error: "ambiguous" });
    else if (payments.length === most) {
      errors.push({ line, code: "too_many", text: address });
      break;
    } else payments.push({ email, amount: amount?.amount ?? null });
  }
  return { payments, errors };
}

/** Whether a text that is pasted into a field is a list rather than one address or amount. */
export function looksLikeList(text: string): boolean {
  const { lines } = readDelimited(text.trim());
  const [first] = lines;
  if (first === undefined || !text.includes("@")) return false;
  return lines.length > 1 || (first.cells.length === 1 ? byBlank(first.cells[0]!) : first.cells).length > 1;
}

interface Columns {
  address: number;
  amount: number;
  count: number;
  named: boolean;
}

function columnsOf(first: Line | undefined): Columns {
  const cells = first?.cells ?? [];
  const named = cells.length > 0 && !cells.some((cell) => /[@\d]/.test(cell)) && cells.some(isHeading);
  const find = (pattern: RegExp, otherwise: number) => {
    const found = cells.findIndex((cell) => pattern.test(cell));
    return named && found >= 0 ? found : otherwise;
  };
  const address = find(address_headings, 0);
  const amount = find(amount_headings, address === 0 ? 1 : 0);
  return { address, amount, count: named ? Math.max(cells.length, 2) : 2, named };
}

const isHeading = (cell: string) => address_headings.test(cell) || amount_headings.test(cell);

/** "bob@example.com 12.50" in two; "Bob <bob@example.com>" stays whole. */
function byBlank(cell: string): string[] {
  const found = /^(\S+@\S+|.*<[^<>]*>)\s+(\S.*)$/.exec(cell);
  return found === null ? [cell] : [found[1]!, found[2]!];
}
