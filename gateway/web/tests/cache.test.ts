import assert from "node:assert/strict";
import test from "node:test";
import { Cache } from "../src/api/cache";
import { Offline, Problem } from "../src/api/client";

/** A cache whose requests are answered by hand, in order. */
function byHand() {
  const asked: string[] = [];
  const answers: { resolve: (body: unknown) => void; reject: (error: unknown) => void }[] = [];
  const cache = new Cache((url) => {
    asked.push(url);
    return new Promise((resolve, reject) => answers.push({ resolve, reject }));
  });
  const settle = () => new Promise((resolve) => setTimeout(resolve));
  return { cache, asked, answers, settle };
}

const problem = new Problem({ status: 503, code: "overloaded", title: "", detail: "" });

test("what came with the page is known at once and asked for by nobody", () => {
  const { cache, asked } = byHand();
  cache.seed({ "/a": { x: 1 } });
  cache.subscribe("/a", () => {});
  assert.deepEqual(cache.get("/a"), { data: { x: 1 }, loading: false });
  assert.deepEqual(asked, []);
});

test("everybody who looks at a URL shares one request", async () => {
  const { cache, asked, answers, settle } = byHand();
  let told = 0;
  cache.subscribe("/a", () => told++);
  cache.subscribe("/a", () => told++);
  assert.deepEqual(cache.get("/a"), { loading: true });
  answers[0]?.resolve(1);
  await settle();
  assert.deepEqual(asked, ["/a"]);
  assert.deepEqual(cache.get("/a"), { data: 1, loading: false });
  assert.ok(told >= 2);
});

test("what is known outlives a failure, and the next answer the failure", async () => {
  const { cache, answers, settle } = byHand();
  cache.seed({ "/a": 1 });
  cache.subscribe("/a", () => {});
  for (const error of [problem, new Offline("")]) {
    void cache.refetch("/a");
    answers.at(-1)?.reject(error);
    await settle();
    assert.deepEqual(cache.get("/a"), { data: 1, error, loading: false });
  }
  void cache.refetch("/a");
  answers.at(-1)?.resolve(2);
  await settle();
  assert.deepEqual(cache.get("/a"), { data: 2, loading: false });
});

test("a failed URL is not asked for again by itself", async () => {
  const { cache, asked, answers, settle } = byHand();
  cache.subscribe("/a", () => {});
  answers[0]?.reject(problem);
  await settle();
  await settle();
  assert.equal(asked.length, 1);
});

test("what is invalidated while its answer is on the way is asked for once more", async () => {
  const { cache, asked, answers, settle } = byHand();
  cache.subscribe("/a", () => {});
  cache.invalidate((url) => url === "/a");
  cache.invalidate((url) => url === "/a");
  answers[0]?.resolve("old");
  await settle();
  assert.deepEqual(asked, ["/a", "/a"]);
  answers[1]?.resolve("new");
  await settle();
  assert.deepEqual(cache.get("/a"), { data: "new", loading: false });
  assert.equal(asked.length, 2);
});

test("what nobody looks at is asked for when somebody does", () => {
  const { cache, asked } = byHand();
  cache.seed({ "/a": 1 });
  cache.subscribe("/a", () => {})();
  cache.invalidate(() => true);
  assert.deepEqual(asked, []);
  cache.subscribe("/a", () => {});
  assert.deepEqual(asked, ["/a"]);
  assert.deepEqual(cache.get("/a"), { data: 1, loading: true });
});

test("old URLs that nobody looks at are forgotten", () => {
  const { cache } = byHand();
  cache.seed({ "/v1/me": "me", "/seen": "seen" });
  cache.subscribe("/seen", () => {});
  for (let i = 0; i < 300; i++) cache.set(`/${i}`, i);
  assert.equal(cache.get("/0").data, undefined);
  assert.equal(cache.get("/299").data, 299);
  assert.equal(cache.get("/v1/me").data, "me");
  assert.equal(cache.get("/seen").data, "seen");
});
