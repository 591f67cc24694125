import assert from "node:assert/strict";
import test from "node:test";
import { setCurrencies } from "../src/money";
import { isAddress, normalised } from "../src/pay/address";
import { looksLikeList, readPaymentList } from "../src/pay/payment-list";

setCurrencies([{ code: "USD", exponent: 2 }]);

const bob = (amount: number | null) => [{ email: "bob@example.com", amount }];

const read: [name: string, locale: string, text: string, payments: object[]][] = [
  ["comma", "en-US", "bob@example.com, 12.50", bob(1250)],
  ["comma without blanks", "en-US", "bob@example.com,12.50", bob(1250)],
  ["tab", "en-US", "bob@example.com\t12.50", bob(1250)],
  ["semicolon", "en-US", "bob@example.com;12.50", bob(1250)],
  ["blank", "en-US", "bob@example.com 12.50", bob(1250)],
  ["currency sign", "en-US", "bob@example.com, $12.50", bob(1250)],
  ["no amount", "en-US", "bob@example.com", bob(null)],
  ["an empty amount", "en-US", "bob@example.com,", bob(null)],
  ["upper case", "en-US", "Bob@Example.COM, 1", bob(100)],
  ["name and brackets", "en-US", "Bob Baker <bob@example.com>, 1", bob(100)],
  ["name and brackets, blank", "en-US", "Bob Baker <bob@example.com> 1", bob(100)],
  ["quoted", "en-US", '"bob@example.com","1,234.50"', bob(123450)],
  ["quoted quotes", "en-US", '"Bob ""B"" <bob@example.com>","1"', bob(100)],
  ["group commas, unquoted", "en-US", "bob@example.com, 1,234.50", bob(123450)],
  ["comma before decimal comma", "de-DE", "bob@example.com, 1.234,50", bob(123450)],
  ["semicolon and decimal comma", "de-DE", "bob@example.com;1.234,50", bob(123450)],
  ["tab and decimal comma", "de-DE", "bob@example.com\t0,5", bob(50)],
  ["Arabic digits", "ar-EG", "bob@example.com;١٢٫٥", bob(1250)],
  ["header", "en-US", "email,amount\nbob@example.com,1", bob(100)],
  ["header, other order, more columns", "en-US", "Name;Amount;E-Mail\nBob;2.5;bob@example.com", bob(250)],
  [
    "header, amount last, group commas",
    "en-US",
    "name,email,amount\nBob,bob@example.com,1,234.50",
    bob(123450),
  ],
  ["header, trailing columns", "en-US", "email,amount,note\nbob@example.com,3,hello", bob(300)],
  ["byte order mark, CRLF, empty lines", "en-US", "\uFEFF\r\nbob@example.com,1\r\n\r\n", bob(100)],
  [
    "old line ends",
    "en-US",
    "bob@example.com,1\rcarol@example.com,2",
    [...bob(100), { email: "carol@example.com", amount: 200 }],
  ],
];

test("lists are read however they are written", () => {
  for (const [name, locale, text, payments] of read)
    assert.deepEqual(readPaymentList(text, "USD", 1000, locale), { payments, errors: [] }, name);
});

test("errors name the line of the text, empty lines, headers and quoted line ends counted", () => {
  const text = [
    "email,amount",
    "bob@example.com,1",
    "",
    "bob@,2",
    "carol@example.com,1,2345",
    '"dave@example.com","4',
    '"',
    "erin@example.com,-5",
    "frank@example.com,0",
    ",7",
  ].join("\n");
  const { payments, errors } = readPaymentList(text, "USD", 1000, "en-US");
  assert.deepEqual(
    payments.map(({ email }) => email),
    ["bob@example.com", "dave@example.com"],
  );
  assert.deepEqual(
    errors.map((error) => [error.line, error.code, "error" in error ? error.error : ""]),
    [
      [4, "invalid_address", ""],
      [5, "invalid_amount", "not_a_number"],
      [8, "invalid_amount", "negative"],
      [9, "invalid_amount", "negative"],
      [10, "no_address", ""],
    ],
  );
});

test("a comma that could mean two amounts is refused", () => {
  const { payments, errors } = readPaymentList("bob@example.com, 12,50", "USD", 1000, "en-US");
  assert.deepEqual(payments, []);
  assert.equal(errors[0]?.code, "invalid_amount");
});

const wrong: [locale: string, text: string, errors: [line: number, code: string, error?: string][]][] = [
  ["en-US", "bob@example.com,5\ncarol@example.com;6", [[1, "invalid_address"]]],
  ["en-US", "bob@example.com,5;", [[1, "invalid_address"]]],
  ["en-US", "bob@example.com,1,500", [[1, "invalid_amount", "ambiguous"]]],
  ["en-US", "bob@example.com,5,100", [[1, "invalid_amount", "ambiguous"]]],
  ["de-DE", "bob@example.com,5,10", [[1, "invalid_amount", "ambiguous"]]],
  ["en-US", "email,name,amount\nbob@example.com,Bob,5,100", [[2, "invalid_amount", "ambiguous"]]],
  ["en-US", "bob@example.com,€5", [[1, "invalid_amount", "not_a_number"]]],
];

test("a line with signs that belong to none of its cells, or could be read in two ways, is told", () => {
  for (const [locale, text, expected] of wrong) {
    const { errors } = readPaymentList(text, "USD", 1000, locale);
    const told = errors.map((each) => [each.line, each.code, ...("error" in each ? [each.error] : [])]);
    assert.deepEqual(told, expected, text);
  }
});

test("a thousand fit, the next is told", () => {
  const lines = Array.from({ length: 1001 }, (_, i) => `p${i}@example.com,1`);
  const { payments, errors } = readPaymentList(lines.join("\n"), "USD", 1000, "en-US");
  assert.equal(payments.length, 1000);
  assert.deepEqual(errors, [{ line: 1001, code: "too_many", text: "p1000@example.com" }]);
});

test("what is pasted is a list where it has lines or columns", () => {
  const lists = ["a@b.example\nc@d.example", "a@b.example\t5", "a@b.example, 5", "a@b.example 5"];
  const others = ["a@b.example", "a@b.example\n", " a@b.example ", "12.50", "1,234", "Bob <a@b.example>", ""];
  for (const text of lists) assert.equal(looksLikeList(text), true, text);
  for (const text of others) assert.equal(looksLikeList(text), false, text);
});

test("addresses are what the gateway takes for addresses", () => {
  const good = ["a@b.c", "a.b+c@d-e.example", "é@ü.example", "a'b@c.example"];
  const bad = [
    "",
    "a",
    "a@b",
    "@b.c",
    "a@b.",
    "a@.b",
    "a@b..c",
    "a b@c.d",
    "a@b@c.d",
    "a@b.c,5",
    "a@b.c;",
    "mailto:a@b.c",
    'a"b@c.d',
    "<a@b.c",
    `${"a".repeat(250)}@b.cd`,
  ];
  for (const text of good) assert.equal(isAddress(text), true, text);
  for (const text of bad) assert.equal(isAddress(text), false, text);
  assert.equal(normalised(" Bob Baker <Bob@Example.com> "), "bob@example.com");
});
