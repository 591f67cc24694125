import assert from "node:assert/strict";
import test from "node:test";
import { formatMoney, parseMoney, setCurrencies, type MoneyError } from "../src/money";

setCurrencies([
  { code: "USD", exponent: 2 },
  { code: "JPY", exponent: 0 },
  { code: "BHD", exponent: 3 },
  { code: "POINTS", exponent: 2 },
]);

const read: [locale: string, currency: string, text: string, amount: number][] = [
  ["en-US", "USD", "12", 1200],
  ["en-US", "USD", "12.5", 1250],
  ["en-US", "USD", " $1,234.50 ", 123450],
  ["en-US", "USD", "USD 1,234,567.89", 123456789],
  ["en-US", "USD", ".5", 50],
  ["en-US", "USD", "5.", 500],
  ["en-US", "USD", "0.10", 10],
  ["en-US", "USD", "007", 700],
  ["en-US", "USD", "0", 0],
  ["en-US", "USD", "90071992547409.91", 9007199254740991],
  ["en-US", "USD", "1 234.50", 123450],
  ["en-IN", "USD", "12,34,567.89", 123456789],
  ["de-DE", "USD", "1.234,50", 123450],
  ["de-DE", "USD", "1.234", 123400],
  ["de-DE", "USD", "12,5 $", 1250],
  ["en-DE", "USD", "1.234,50", 123450],
  ["de-CH", "USD", "1’234.50", 123450],
  ["de-CH", "USD", "1'234.50", 123450],
  ["fr-FR", "USD", "1 234,50", 123450],
  ["fr-FR", "USD", "1\u202f234.50", 123450],
  ["ar-EG", "USD", "١٬٢٣٤٫٥٠", 123450],
  ["ar-EG", "USD", "\u200f١٢٫٥", 1250],
  ["ar-EG", "USD", "12.5", 1250],
  ["ja-JP", "JPY", "1,234", 1234],
  ["ja-JP", "JPY", "￥500", 500],
  ["ja-JP", "JPY", "¥500", 500],
  ["en-CA", "USD", "US$5", 500],
  ["en-CA", "USD", "$5 USD", 500],
  ["en-US", "EUR", "€5", 500],
  ["ar-EG", "BHD", "د.ب.\u200f 5", 5000],
  ["en-US", "POINTS", "5 POINTS", 500],
  ["en-US", "BHD", "1.005", 1005],
  ["de-DE", "BHD", "1.234,567", 1234567],
];

test("amounts are read as each locale writes them", () => {
  for (const [locale, currency, text, amount] of read)
    assert.deepEqual(parseMoney(text, currency, locale), { amount, error: null }, `${locale} ${text}`);
});

const refused: [locale: string, currency: string, text: string, error: MoneyError][] = [
  ["en-US", "USD", "", "empty"],
  ["en-US", "USD", " $ ", "empty"],
  ["en-US", "USD", "-5", "negative"],
  ["en-US", "USD", "\u22125", "negative"],
  ["en-US", "USD", "1.234", "too_many_decimals"],
  ["en-US", "USD", "1.000", "too_many_decimals"],
  ["en-SE", "USD", "1,000", "too_many_decimals"],
  ["en-US", "USD", "1,5", "not_a_number"],
  ["en-US", "USD", "1,23", "not_a_number"],
  ["en-US", "USD", "1,2345", "not_a_number"],
  ["en-US", "USD", ",123", "not_a_number"],
  ["en-US", "USD", "1,,234", "not_a_number"],
  ["en-US", "USD", "1.2.3", "not_a_number"],
  ["en-US", "USD", ".", "not_a_number"],
  ["en-US", "USD", "1e3", "not_a_number"],
  ["en-US", "USD", "0x10", "not_a_number"],
  ["en-US", "USD", "Infinity", "not_a_number"],
  ["en-US", "USD", "12 USD 3 USD", "not_a_number"],
  ["en-US", "USD", "€5", "not_a_number"],
  ["en-US", "USD", "5 £", "not_a_number"],
  ["en-US", "USD", "CA$5", "not_a_number"],
  ["en-US", "USD", "5$50", "not_a_number"],
  ["en-US", "EUR", "$5", "not_a_number"],
  ["en-US", "POINTS", "$5", "not_a_number"],
  ["de-DE", "USD", "12.50", "not_a_number"],
  ["de-DE", "USD", "1,234.50", "not_a_number"],
  ["ja-JP", "JPY", "500.00", "too_many_decimals"],
  ["ja-JP", "JPY", "500.5", "too_many_decimals"],
  ["en-US", "BHD", "1.0005", "too_many_decimals"],
  ["en-US", "USD", "90071992547409.92", "too_large"],
  ["en-US", "USD", "9".repeat(100_000), "too_large"],
];

test("what is no amount, or could be read in two ways, is refused with its reason", () => {
  for (const [locale, currency, text, error] of refused)
    assert.deepEqual(parseMoney(text, currency, locale), { amount: null, error }, `${locale} ${text}`);
});

const written: [locale: string, currency: string, amount: number, text: string][] = [
  ["en-US", "USD", 123450, "$1,234.50"],
  ["en-US", "USD", -5, "-$0.05"],
  ["en-US", "USD", 0, "$0.00"],
  ["en-US", "USD", 9007199254740991, "$90,071,992,547,409.91"],
  ["en-US", "USD", -9007199254740991, "-$90,071,992,547,409.91"],
  ["de-DE", "USD", 123450, "1.234,50\u00a0$"],
  ["ja-JP", "JPY", 1234, "￥1,234"],
  ["en-US", "BHD", 1005, "BHD\u00a01.005"],
  ["en-US", "POINTS", -1250, "-12.50\u00a0POINTS"],
];

test("amounts are written exactly", () => {
  for (const [locale, currency, amount, text] of written)
    assert.equal(formatMoney(amount, currency, { locale }), text, `${locale} ${amount}`);
  assert.equal(formatMoney(-5, "USD", { locale: "en-US", sign: "always" }), "-$0.05");
  assert.equal(formatMoney(5, "USD", { locale: "en-US", sign: "always" }), "+$0.05");
  assert.equal(formatMoney(0, "USD", { locale: "en-US", sign: "always" }), "$0.00");
});

test("what is written bare is read as the same amount", () => {
  for (const locale of ["en-US", "de-DE", "de-CH", "fr-FR", "ar-EG", "ar-MA", "ja-JP", "en-IN", "sv-SE"])
    for (const currency of ["USD", "JPY", "BHD"])
      for (const amount of [0, 1, 10, 99, 100, 1234, 123456789, Number.MAX_SAFE_INTEGER]) {
        const text = formatMoney(amount, currency, { locale, bare: true });
        assert.deepEqual(parseMoney(text, currency, locale), { amount, error: null }, `${locale} ${text}`);
      }
});
