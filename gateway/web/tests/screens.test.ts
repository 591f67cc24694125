import assert from "node:assert/strict";
import test from "node:test";
import { axisOf } from "../src/components/chart";
import { midnightOf } from "../src/i18n/time";
import { emptyFilter, filterOf, isFiltered, pageQuery, requestQuery } from "../src/screens/entry-filter";
import { balanceSummary, sinceOpened } from "../src/screens/overview-charts";
import { deviceOf } from "../src/screens/user-agent";
import { address } from "../src/router";

test("a filter survives the way through the page's address", () => {
  const filter = {
    ...emptyFilter,
    q: "a & b",
    direction: "out" as const,
    counterparty: "12",
    min_amount: "500",
    from: "2026-02-28",
  };
  const url = new URL(address("/app/transactions", pageQuery(filter)), "http://x");
  assert.deepEqual(filterOf(url.searchParams), filter);
  assert.equal(isFiltered(filter), true);
  assert.equal(isFiltered(emptyFilter), false);
});

test("an address that nobody wrote is read as no filter", () => {
  const query = new URLSearchParams(
    "direction=up&counterparty=0x1&min_amount=-1&max_amount=1e9&from=yesterday&to=2026-99-99",
  );
  assert.deepEqual(filterOf(query), emptyFilter);
});

test("the last day is part of what is asked for", () => {
  const { from, to } = requestQuery({ ...emptyFilter, from: "2026-03-01", to: "2026-03-01" });
  assert.equal(from, new Date(2026, 2, 1).toISOString());
  assert.equal(to, new Date(2026, 2, 2).toISOString());
  assert.equal(midnightOf("2026-02-30"), null);
});

test("an axis goes over all values in few round steps", () => {
  for (const values of [[0], [5], [1, 2, 3], [99], [100_001], [-250, 1300], [Number.MAX_SAFE_INTEGER], []]) {
    const { ticks, y } = axisOf(values);
    const first = ticks[0] ?? NaN;
    const last = ticks.at(-1) ?? NaN;
    assert.ok(ticks.length >= 2 && ticks.length <= 6, String(values));
    assert.ok(ticks.includes(0), String(values));
    for (const value of values) assert.ok(first <= value && value <= last, String(values));
    assert.ok(y(last) < y(first));
  }
});

test("a browser and its system are named", () => {
  assert.equal(
    deviceOf("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    "Firefox · Linux",
  );
  assert.equal(
    deviceOf("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0"),
    "Edge · Windows",
  );
  assert.equal(deviceOf("curl/8"), null);
  assert.equal(deviceOf(null), null);
});

test("a balance is drawn from the day before the first that has anything, for a week at least", () => {
  const day = (closing: number) => ({ start: "", in: closing, out: 0, closing });
  const cases = [
    { zeros: 0, days: 30, drawn: 30 },
    { zeros: 10, days: 30, drawn: 21 },
    { zeros: 29, days: 30, drawn: 7 },
    { zeros: 30, days: 30, drawn: 30 },
    { zeros: 1, days: 3, drawn: 3 },
  ];
  for (const { zeros, days, drawn } of cases) {
    const rows = Array.from({ length: days }, (_, i) => day(i < zeros ? 0 : 500));
    assert.equal(sinceOpened(rows).length, drawn, `${zeros} of ${days}`);
  }
});

test("a balance is told from the first day that has anything", () => {
  const day = (date: number, closing: number) => ({
    start: `2026-03-0${date}T12:00:00Z`,
    in: 0,
    out: 0,
    closing,
  });
  const text = balanceSummary([day(1, 0), day(2, 700), day(3, 500)], "USD");
  assert.equal(text, "From $7.00 on Mar 2, 2026 to $5.00 now. Lowest at the end of Mar 3, 2026: $5.00.");
});
