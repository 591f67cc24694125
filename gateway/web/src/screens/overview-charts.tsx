import type { SummaryParty, SummaryRow } from "../api/types";
import { Amount } from "../components/amount";
import { AreaChart, BarChart, ChartFrame, PartyBars } from "../components/chart";
import { Table } from "../components/table";
import { partyName } from "../i18n/entry-text";
import { t } from "../i18n/text";
import { formatDate, formatDay } from "../i18n/time";
import { formatMoney, formatShort, type Minor } from "../money";

const writers = (currency: string) => ({
  write: (value: Minor) => formatMoney(value, currency),
  writeTick: (value: Minor) => formatShort(value, currency),
});

const least_days = 7;

const firstUsed = (rows: SummaryRow[]) =>
  rows.findIndex((row) => row.in !== 0 || row.out !== 0 || row.closing !== 0);

/** The days of a balance from the one before anything happened, a week of them at least. */
export function sinceOpened(rows: SummaryRow[]): SummaryRow[] {
  const first = firstUsed(rows);
  return first < 0 ? rows : rows.slice(Math.max(0, Math.min(first - 1, rows.length - least_days)));
}

/** A balance in a sentence, from the first day that has anything. */
export function balanceSummary(rows: SummaryRow[], currency: string): string {
  const { write } = writers(currency);
  const used = rows.slice(Math.max(0, firstUsed(rows)));
  const first = used[0];
  const last = used.at(-1);
  if (first === undefined || last === undefined) return "";
  const lowest = used.reduce((least, row) => (row.closing < least.closing ? row : least));
  return t("chart.balance_summary", {
    first: write(first.closing),
    from: formatDate(first.start),
    last: write(last.closing),
    lowest: write(lowest.closing),
    day: formatDate(lowest.start),
  });
}

/** The balance at the end of every day. */
export function BalanceChart(props: { rows: SummaryRow[]; currency: string }) {
  const { currency } = props;
  const rows = sinceOpened(props.rows);
  const { write, writeTick } = writers(currency);
  const summary = balanceSummary(rows, currency);
  return (
    <ChartFrame
      title={t("chart.balance")}
      summary={summary}
      table={() => (
        <Table
          caption={t("chart.balance")}
          captionHidden
          rows={rows.slice().reverse()}
          rowKey={(row) => row.start}
          columns={[
            { name: "day", heading: t("chart.day"), rowHeading: true, cell: (row) => formatDate(row.start) },
            {
              name: "in",
              heading: t("overview.in"),
              numeric: true,
              cell: (row) => <Amount amount={row.in} currency={currency} />,
            },
            {
              name: "out",
              heading: t("overview.out"),
              numeric: true,
              cell: (row) => <Amount amount={row.out} currency={currency} />,
            },
            {
              name: "closing",
              heading: t("overview.balance"),
              numeric: true,
              cell: (row) => <Amount amount={row.closing} currency={currency} />,
            },
          ]}
        />
      )}
    >
      <AreaChart
        points={rows.map((row) => ({ label: formatDay(row.start), value: row.closing }))}
        write={write}
        writeTick={writeTick}
      />
    </ChartFrame>
  );
}

const parties_shown = 6;

/** Who got how much, the most first; the gateway names those with the largest sums. */
export function PartyChart(props: { rows: SummaryRow[]; parties: SummaryParty[]; currency: string }) {
  const { rows, parties, currency } = props;
  const { write } = writers(currency);
  const paid = parties.filter((party) => party.out > 0).sort((a, b) => b.out - a.out);
  const total = rows.reduce((sum, row) => sum + row.out, 0);
  const [most] = paid;
  return (
    <ChartFrame
      title={t("chart.by_person")}
      summary={
        most
          ? t("chart.by_person_summary", {
              total: write(total),
              name: partyName(most),
              most: write(most.out),
            })
          : t("chart.nothing_spent")
      }
      table={
        most &&
        (() => (
          <Table
            caption={t("chart.by_person")}
            captionHidden
            rows={paid}
            rowKey={(party) => party.account}
            columns={[
              {
                name: "who",
                heading: t("entries.who"),
                rowHeading: true,
                cell: (party) => <bdi>{partyName(party)}</bdi>,
              },
              {
                name: "out",
                heading: t("overview.out"),
                numeric: true,
                cell: (party) => <Amount amount={party.out} currency={currency} />,
              },
            ]}
          />
        ))
      }
    >
      {most && (
        <PartyBars
          points={paid
            .slice(0, parties_shown)
            .map((party) => ({ label: partyName(party), value: party.out }))}
          write={write}
        />
      )}
    </ChartFrame>
  );
}

/** How much went out in each week. */
export function WeekChart({ rows, currency }: { rows: SummaryRow[]; currency: string }) {
  const { write, writeTick } = writers(currency);
  const total = rows.reduce((sum, row) => sum + row.out, 0);
  const most = rows.reduce<SummaryRow | undefined>(
    (best, row) => (best === undefined || row.out > best.out ? row : best),
    undefined,
  );
  return (
    <ChartFrame
      title={t("chart.by_week")}
      summary={
        most && total > 0
          ? t("chart.by_week_summary", {
              total: write(total),
              most: write(most.out),
              week: formatDate(most.start),
            })
          : t("chart.nothing_spent")
      }
      table={
        total > 0 &&
        (() => (
          <Table
            caption={t("chart.by_week")}
            captionHidden
            rows={rows.slice().reverse()}
            rowKey={(row) => row.start}
            columns={[
              {
                name: "week",
                heading: t("chart.week"),
                rowHeading: true,
                cell: (row) => formatDate(row.start),
              },
              {
                name: "out",
                heading: t("overview.out"),
                numeric: true,
                cell: (row) => <Amount amount={row.out} currency={currency} />,
              },
            ]}
          />
        ))
      }
    >
      {total > 0 && (
        <BarChart
          points={rows.map((row) => ({ label: formatDay(row.start), value: row.out }))}
          write={write}
          writeTick={writeTick}
        />
      )}
    </ChartFrame>
  );
}
