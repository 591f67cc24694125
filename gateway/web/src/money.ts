import { localeTag } from "./i18n/locale";

/** Minor units of a currency: cents. An integer, exact up to 2^53-1, which is the most a wallet may hold. */
export type Minor = number;

export type MoneyError = "empty" | "not_a_number" | "negative" | "too_many_decimals" | "too_large";
export type ParsedMoney = { amount: Minor; error: null } | { amount: null; error: MoneyError };

const exponents = new Map<string, number>();

/** Tells the currencies the ledger knows, of GET /v1/config. */
export function setCurrencies(currencies: { code: string; exponent: number }[]): void {
  for (const { code, exponent } of currencies) exponents.set(code, exponent);
}

/** How many decimals a currency has: 2 for USD, 0 for JPY. */
export function exponentOf(currency: string): number {
  return exponents.get(currency) ?? 2;
}

/** What a locale writes numbers with; its digits from zero on. */
interface Signs {
  decimal: string;
  group: string;
  digits: string[];
}

const signsByLocale = new Map<string, Signs>();

function signsOf(locale: string): Signs {
  let found = signsByLocale.get(locale);
  if (found === undefined) {
    const parts = new Intl.NumberFormat(locale, { useGrouping: true }).formatToParts(1234567.5);
    const find = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
    const digits = new Intl.NumberFormat(locale, { useGrouping: false }).format(9876543210n);
    found = { decimal: find("decimal") || ".", group: find("group"), digits: Array.from(digits).reverse() };
    signsByLocale.set(locale, found);
  }
  return found;
}

const currencySigns = new Map<string, string[]>();

/** What a locale, or English, writes beside amounts of a currency: its code and its signs, the longest first. */
function currencySignsOf(currency: string, locale: string): string[] {
  const name = `${locale} ${currency}`;
  let found = currencySigns.get(name);
  if (found === undefined) {
    found = [currency];
    for (const by of isKnown(currency) ? [locale, "en"] : [])
      for (const currencyDisplay of ["symbol", "narrowSymbol"] as const) {
        const format = new Intl.NumberFormat(by, { style: "currency", currency, currencyDisplay });
        const sign = format.formatToParts(0).find(({ type }) => type === "currency")?.value ?? "";
        found.push(sign.replace(ignored, ""));
      }
    found.sort((a, b) => b.length - a.length);
    currencySigns.set(name, found);
  }
  return found;
}

const isKnown = (currency: string) => /^[A-Z]{3}$/.test(currency);
const digits_at_most = String(Number.MAX_SAFE_INTEGER).length;
const ignored = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const groupSigns = /[\s'\u2019]/;
const arabicDigits = /[\u0660-\u0669\u06f0-\u06f9]/g;
const unsigned = /^\d+$/;
const grouped = /^\d{1,3}(?:_\d{2,3})*_\d{3}$/;

/**
 * Reads an amount as people of a locale write it: "1,234.50" in en-US, "1.234,50" in de-DE, "١٬٢٣٤٫٥" in ar-EG.
 * Signs of its currency around it are allowed. What could be read in two ways is refused, never guessed.
 */
export function parseMoney(text: string, currency: string, locale: string = localeTag()): ParsedMoney {
  const refuse = (error: MoneyError): ParsedMoney => ({ amount: null, error });
  const { decimal, group } = signsOf(locale);
  const exponent = exponentOf(currency);

  let plain = text
    .replace(ignored, "")
    .replace(arabicDigits, (digit) => String(digit.charCodeAt(0) & 15))
    .trim();
  for (const sign of currencySignsOf(currency, locale)) {
    if (plain.startsWith(sign)) plain = plain.slice(sign.length).trim();
    else if (plain.endsWith(sign)) plain = plain.slice(0, -sign.length).trim();
  }
  if (plain === "") return refuse("empty");
  if (/^[-\u2212]/.test(plain)) return refuse("negative");

  // The point is a decimal sign wherever it separates no groups: keypads have no other.
  const point = group === "." ? decimal : ".";
  const isDecimal = (char: string) => char === decimal || char === point;
  const isGroup = (char: string) => char === group || groupSigns.test(char);
  plain = Array.from(plain, (char) => (isDecimal(char) ? "." : isGroup(char) ? "_" : char)).join("");

  const [whole = "", fraction = "", ...more] = plain.split(".");
  const wholeIsNumber = unsigned.test(whole) || grouped.test(whole) || (whole === "" && fraction !== "");
  if (more.length > 0 || !wholeIsNumber || (fraction !== "" && !unsigned.test(fraction)))
    return refuse("not_a_number");
  // Not even zeros: "1.000" is a thousand to many.
  if (fraction.length > exponent) return refuse("too_many_decimals");

  const digits = (whole.replaceAll("_", "") + fraction.padEnd(exponent, "0")).replace(/^0+/, "");
  if (digits.length > digits_at_most) return refuse("too_large");
  const amount = BigInt(digits);
  return amount > BigInt(Number.MAX_SAFE_INTEGER)
    ? refuse("too_large")
    : { amount: Number(amount), error: null };
}

export interface MoneyFormat {
  /** "always" writes + before what came in. */
  sign?: "auto" | "always";
  /** Without the currency, as one types it. */
  bare?: boolean;
  locale?: string;
}

/** Writes an amount exactly, digit by digit: no floating point number is made of it. */
export function formatMoney(amount: Minor, currency: string, format: MoneyFormat = {}): string {
  const locale = format.locale ?? localeTag();
  const exponent = exponentOf(currency);
  const known = isKnown(currency);
  const formatter = numberFormat(locale, format.bare || !known ? null : currency, exponent, format.sign);

  const scale = 10n ** BigInt(exponent);
  const size = BigInt(Math.abs(amount));
  const whole = size / scale;
  const fraction = (size % scale).toString().padStart(exponent, "0");
  // A BigInt has no negative zero: -0.50 is written as -1.00 with its digits replaced.
  const template = (whole === 0n && amount !== 0 ? 1n : whole) * (amount < 0 ? -1n : 1n);
  const { digits } = signsOf(locale);
  const localised = (text: string) => Array.from(text, (digit) => digits[Number(digit)]).join("");
  const text = formatter
    .formatToParts(template)
    .map(({ type, value }) => {
      if (type === "fraction") return localised(fraction);
      return type === "integer" && whole === 0n ? localised("0") : value;
    })
    .join("");
  return format.bare || known ? text : `${text}\u00a0${currency}`;
}

/** A round amount for the axis of a chart: "$1.5K". The only place where digits may be left out. */
export function formatShort(amount: Minor, currency: string): string {
  const known = isKnown(currency);
  return new Intl.NumberFormat(localeTag(), {
    ...(known ? { style: "currency", currency, currencyDisplay: "narrowSymbol" } : {}),
    notation: "compact",
    minimumFractionDigits: 0,
    maximumFractionDigits: 2,
  }).format(amount / 10 ** exponentOf(currency));
}

const formats = new Map<string, Intl.NumberFormat>();

function numberFormat(locale: string, currency: string | null, exponent: number, sign: MoneyFormat["sign"]) {
  const name = [locale, currency, exponent, sign].join(" ");
  let found = formats.get(name);
  if (found === undefined) {
    found = new Intl.NumberFormat(locale, {
      ...(currency === null ? {} : { style: "currency", currency, currencyDisplay: "narrowSymbol" }),
      minimumFractionDigits: exponent,
      maximumFractionDigits: exponent,
      signDisplay: sign === "always" ? "exceptZero" : "auto",
    });
    formats.set(name, found);
  }
  return found;
}
