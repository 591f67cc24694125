import type { Entry } from "../api/types";
import { entryTitle, kindText, partyName } from "../i18n/entry-text";
import { t } from "../i18n/text";
import { formatDate, formatTime } from "../i18n/time";
import { Amount } from "./amount";
import { Avatar } from "./person";
import { Table, type Column } from "./table";

/** Entries of an account, newest first, with the balance after each. */
export function EntryTable(props: { entries: Entry[]; currency: string; caption: string; busy?: boolean }) {
  const { entries, currency } = props;
  const columns: Column<Entry>[] = [
    {
      name: "who",
      heading: t("entries.who"),
      cell: (entry) => <Who entry={entry} />,
      rowHeading: true,
      plain: true,
    },
    { name: "when", heading: t("entries.when"), cell: (entry) => <When time={entry.at} />, plain: true },
    {
      name: "amount",
      heading: t("entries.amount"),
      cell: (entry) => <Amount amount={entry.amount} currency={currency} signed />,
      numeric: true,
      plain: true,
    },
    {
      name: "balance",
      heading: t("entries.balance"),
      cell: (entry) => <Amount amount={entry.balance} currency={currency} class="soft" />,
      numeric: true,
      plain: true,
    },
  ];
  return (
    <Table
      class="entries"
      caption={props.caption}
      captionHidden
      columns={columns}
      rows={entries}
      rowKey={(entry) => entry.version}
      busy={props.busy}
    />
  );
}

function Who({ entry }: { entry: Entry }) {
  const title = entryTitle(entry);
  const detail = entry.description ?? (entry.kind === "top_up" ? "" : kindText(entry.kind));
  return (
    <span class="who">
      <EntryAvatar entry={entry} />
      <span class="who-text">
        <a href={`/app/transactions/${entry.transfer}`}>
          {entry.parties.length > 1 ? title : <bdi>{title}</bdi>}
        </a>
        {detail !== "" && (
          <span class="soft small clip" dir="auto">
            {detail}
          </span>
        )}
      </span>
    </span>
  );
}

/** One person's initials, or how many people there are. */
function EntryAvatar({ entry: { kind, parties } }: { entry: Entry }) {
  const [first, ...others] = parties;
  if (kind === "top_up" || first === undefined) return <Avatar name="+" />;
  return <Avatar name={others.length === 0 ? partyName(first) : String(parties.length)} />;
}

function When({ time }: { time: string }) {
  return (
    <time class="soft" dateTime={time}>
      {formatDate(time)} <span class="small wide-only">{formatTime(time)}</span>
    </time>
  );
}
