import assert from "node:assert/strict";
import test from "node:test";
import { Offline, Problem } from "../src/api/client";
import type { Transfer } from "../src/api/types";
import { isSettledBy, next, waitBefore, type Event, type State } from "../src/attempt/attempt";

type Order = { amount: number };
const order = { amount: 5 };
const transfer = { id: "7" } as Transfer;
const open: State<Order> = { name: "open", failure: null };
const send: Event<Order> = { name: "send", key: "k", order };
const problem = (status: number, code: string) => new Problem({ status, code, title: code, detail: code });
const failed = (failure: Problem | Offline): Event<Order> => ({ name: "failed", failure });
const run = (...events: Event<Order>[]) => events.reduce<State<Order>>(next, open);

const offline = failed(new Offline());
const unknown = failed(problem(504, "outcome_unknown"));
const busy = failed(problem(503, "overloaded"));
const signedOut = failed(problem(401, "unauthenticated"));
const refused = failed(problem(422, "insufficient_funds"));
const repeat: Event<Order> = { name: "repeat" };
const answered: Event<Order> = { name: "answered", transfer };

const runs: [name: string, events: Event<Order>[], state: string, unanswered?: number][] = [
  ["sent", [send], "sending", 0],
  ["a double click", [send, { ...send, key: "other" }], "sending", 0],
  ["answered", [send, answered], "done"],
  ["refused", [send, refused], "open"],
  ["certainly not executed", [send, busy], "open"],
  ["signed out before anything was sent", [send, signedOut], "open"],
  ["no answer", [send, offline], "unknown", 1],
  ["the gateway does not know", [send, unknown], "unknown", 1],
  ["an answer that explains nothing", [send, failed(problem(500, "unexplained"))], "unknown", 1],
  ["sent by a click while unknown", [send, offline, send], "unknown", 1],
  ["busy after no answer", [send, offline, repeat, busy], "unknown", 2],
  ["signed out after no answer", [send, offline, repeat, signedOut], "unknown", 2],
  ["refused after no answer", [send, offline, repeat, refused], "open"],
  ["answered after no answers", [send, offline, repeat, unknown, repeat, answered], "done"],
  ["found after a reload", [{ name: "found", attempt: { key: "k", order, unanswered: 0 } }], "unknown", 1],
  [
    "found while sending",
    [send, { name: "found", attempt: { key: "k", order, unanswered: 0 } }],
    "sending",
    0,
  ],
  ["paid by another tab", [send, offline, { name: "settled_elsewhere", transfer }], "done"],
  ["refused to another tab", [send, offline, { name: "settled_elsewhere", transfer: null }], "open"],
  ["another tab while sending", [send, { name: "settled_elsewhere", transfer: null }], "sending", 0],
  ["reopened while unknown", [send, offline, { name: "reopened" }], "unknown", 1],
  ["nothing after the end", [send, answered, send, offline], "done"],
];

test("an order is open, sending, unknown or done, and done once", () => {
  for (const [name, events, expected, unanswered] of runs) {
    const state = run(...events);
    assert.equal(state.name, expected, name);
    if ("attempt" in state) assert.deepEqual(state.attempt, { key: "k", order, unanswered }, name);
  }
});

test("the same key and order are repeated", () => {
  const state = run(send, offline, repeat);
  assert.deepEqual(state, { name: "sending", attempt: { key: "k", order, unanswered: 1 } });
});

test("a refusal is told", () => {
  const state = run(send, refused);
  assert.equal(
    state.name === "open" && state.failure instanceof Problem && state.failure.code,
    "insufficient_funds",
  );
});

test("only what is certain settles", () => {
  const first = { unanswered: 0 };
  const later = { unanswered: 1 };
  for (const code of ["overloaded", "not_leader"]) {
    assert.equal(isSettledBy(problem(503, code), first), true, code);
    assert.equal(isSettledBy(problem(503, code), later), false, code);
  }
  assert.equal(isSettledBy(problem(502, "unexplained"), first), false);
  assert.equal(isSettledBy(problem(408, "request_timeout"), first), false);
  assert.equal(isSettledBy(problem(422, "key_reused"), later), true);
});

test("the waits grow up to a bound", () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 50].map((unanswered) => waitBefore({ unanswered })),
    [1000, 1000, 2000, 4000, 8000, 15000, 15000],
  );
});
