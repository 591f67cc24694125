import assert from "node:assert/strict";
import test from "node:test";
import { address, match } from "../src/router";

const matches: [pattern: string, path: string, values: Record<string, string> | null][] = [
  ["/app", "/app", {}],
  ["/app", "/app/", {}],
  ["/app", "/", null],
  ["/", "/", {}],
  ["/app/pay", "/app/pay/x", null],
  ["/app/pay/:key", "/app/pay/x-Y_9", { key: "x-Y_9" }],
  ["/app/pay/:key", "/app/pay/", null],
  ["/app/pay/:key", "/app/pay", null],
  ["/app/pay/:key", "/app/pay/x/y", null],
  ["/app/pay/:key", "/app/top-up/x", null],
  ["/app/transactions/:id", "/app/transactions/a%20b", { id: "a b" }],
  ["/app/transactions/:id", "/app/transactions/%", null],
];

test("a path gives the values of the pattern it fits", () => {
  for (const [pattern, path, values] of matches)
    assert.deepEqual(match(pattern, path), values, `${pattern} ${path}`);
});

test("an address has the members of its query that have a value, encoded", () => {
  assert.equal(address("/a", {}), "/a");
  assert.equal(address("/a", { q: "", from: null, to: undefined }), "/a");
  assert.equal(address("/a", { q: "x & y=ü", limit: "5" }), "/a?q=x+%26+y%3D%C3%BC&limit=5");
});
