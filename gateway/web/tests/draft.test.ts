import assert from "node:assert/strict";
import test from "node:test";
import { setCurrencies } from "../src/money";
import { assess } from "../src/pay/assess";
import {
  emptyDraft,
  inLocale,
  sharers,
  withPayments,
  withRow,
  withoutRow,
  type Draft,
} from "../src/pay/draft";
import { findEqual, isEqualPayment } from "../src/pay/equal-payment";
import type { Person } from "../src/pay/people";
import { splitEvenly } from "../src/pay/split";
import type { Transfer } from "../src/api/types";

setCurrencies([{ code: "USD", exponent: 2 }]);

const people = new Map<string, Person>(
  (
    [
      ["bob@example.com", "ok", "20", "Bob"],
      ["robert@example.com", "ok", "20", "Bob"],
      ["carol@example.com", "ok", "21", null],
      ["nobody@example.com", "unknown", null, null],
      ["me@other.example", "self", null, null],
    ] as const
  ).map(([email, status, account, name]) => [email, { email, status, account, name }]),
);

function draftOf(...rows: [email: string, amount: string][]): Draft {
  return { ...emptyDraft("en-US"), rows: rows.map(([email, amount], id) => ({ id, email, amount })) };
}

const assessed = (draft: Draft, available = 100000) =>
  assess(draft, {
    currency: "USD",
    available,
    find: (email) => people.get(email),
    own: ["alice@example.com"],
  });

test("each row is told what is wrong with it", () => {
  const rows: [string, string, address: string, amount: string][] = [
    ["bob@example.com", "1.50", "", ""],
    ["carol@example.com", "", "", "empty"],
    ["", "1", "missing", ""],
    ["carol@", "1", "invalid", ""],
    ["Alice@Example.com", "1", "own", ""],
    ["me@other.example", "1", "own", ""],
    ["nobody@example.com", "1", "unknown", ""],
    ["new@example.com", "0", "", "negative"],
    ["BOB@example.com", "1,5", "repeated", "not_a_number"],
    ["robert@example.com", "1.234", "repeated", "too_many_decimals"],
  ];
  const { findings, firstError, payments, count } = assessed(
    draftOf(...rows.map(([email, amount]) => [email, amount] as [string, string])),
  );
  assert.deepEqual(
    rows.map((_, id) => [findings.get(id)?.address, findings.get(id)?.amount]),
    rows.map(([, , address, amount]) => [address, amount]),
  );
  assert.equal(findings.get(8)?.repeats, 1);
  assert.deepEqual(firstError, { row: 1, field: "amount" });
  assert.equal(payments, null);
  assert.equal(count, 10);
});

test("too little money is told at the row that passes it", () => {
  const draft = draftOf(["bob@example.com", "6"], ["carol@example.com", "5"], ["bob@example.com", "1"]);
  const { findings, total, firstError } = assessed(draft, 1000);
  assert.equal(total, 1200);
  assert.deepEqual(
    [...findings.values()].map(({ amount, short }) => [amount, short]),
    [
      ["", 0],
      ["short", 100],
      ["", 0],
    ],
  );
  assert.deepEqual(firstError, { row: 1, field: "amount" });
  assert.equal(assessed(draft, 1200).firstError, null);
});

test("empty rows count for nothing, unless there are no others", () => {
  const { payments, firstError } = assessed(draftOf(["", ""], ["bob@example.com", "2"], [" ", ""]));
  assert.deepEqual(payments, [{ row: 1, email: "bob@example.com", account: "20", name: "Bob", amount: 200 }]);
  assert.equal(firstError, null);
  const empty = assessed(draftOf(["", ""], ["", ""]));
  assert.deepEqual(empty.firstError, { row: 0, field: "email" });
  assert.equal(empty.payments, null);
});

test("there are no payments before every address is known", () => {
  const { payments, firstError } = assessed(draftOf(["bob@example.com", "2"], ["new@example.com", "1"]));
  assert.equal(firstError, null);
  assert.equal(payments, null);
});

test("a sum is split to the last cent, the first ones get what is over", () => {
  assert.deepEqual(splitEvenly(10000, 3), [3334, 3333, 3333]);
  assert.deepEqual(splitEvenly(5, 3), [2, 2, 1]);
  assert.deepEqual(splitEvenly(900, 3), [300, 300, 300]);
  assert.deepEqual(splitEvenly(2, 3), []);
  assert.deepEqual(splitEvenly(2, 0), []);
  const sum = Number.MAX_SAFE_INTEGER;
  assert.equal(
    splitEvenly(sum, 1000).reduce((total, part) => total + BigInt(part), 0n),
    BigInt(sum),
  );
});

test("payments of a list take the place of empty rows", () => {
  const draft = draftOf(["bob@example.com", "1"], ["", ""]);
  const { rows } = withPayments(draft, [{ email: "carol@example.com", amount: 123450 }], "USD");
  assert.deepEqual(
    rows.map(({ email, amount }) => [email, amount]),
    [
      ["bob@example.com", "1"],
      ["carol@example.com", "1,234.50"],
    ],
  );
  assert.equal(new Set(rows.map(({ id }) => id)).size, 2);
});

test("rows end at a thousand, and one always stays", () => {
  let draft = emptyDraft("en-US");
  assert.deepEqual(withoutRow(draft, 1).rows.length, 1);
  for (let i = 1; i < 1000; i++) [draft] = withRow(draft);
  assert.equal(draft.rows.length, 1000);
  assert.equal(withRow(draft)[1], null);
});

test("a sum is shared by the rows with an address", () => {
  assert.equal(sharers(draftOf(["a@b.example", ""], ["", ""])).length, 1);
  assert.equal(sharers(draftOf(["", ""], ["", ""])).length, 2);
});

test("amounts keep their worth when the locale changes", () => {
  const german = inLocale(
    draftOf(["a@b.example", "1,000"], ["c@d.example", "1.5"], ["", "?"]),
    "USD",
    "de-DE",
  );
  assert.deepEqual(
    german.rows.map(({ amount }) => amount),
    ["1.000,00", "1,50", ""],
  );
});

test("equal payments are the same people and amounts, in any order", () => {
  const one = [
    { account: "20", amount: 5 },
    { account: "21", amount: 7 },
  ];
  assert.equal(isEqualPayment(one, [...one].reverse()), true);
  assert.equal(
    isEqualPayment(one, [
      { account: "20", amount: 7 },
      { account: "21", amount: 5 },
    ]),
    false,
  );
  assert.equal(isEqualPayment(one, one.slice(1)), false);

  const transfer = (change: object) =>
    ({
      kind: "transfer",
      debit: { account: "11" },
      credits: one,
      reversed_by: null,
      ...change,
    }) as unknown as Transfer;
  assert.notEqual(findEqual(one, "11", [transfer({})]), null);
  for (const other of [
    { kind: "top_up" },
    { debit: { account: "12" } },
    { reversed_by: "9" },
    { credits: [] },
  ])
    assert.equal(findEqual(one, "11", [transfer(other)]), null, JSON.stringify(other));
});
