import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { attemptsAt } from "../attempt/attempt-store";
import { Problem, type Failure } from "../api/client";
import type { Account } from "../api/types";
import { Button, LinkButton } from "../components/button";
import { TextField } from "../components/field";
import { Icon } from "../components/icon";
import { Page } from "../components/page";
import { Notice } from "../components/states";
import { problemText } from "../i18n/problem-text";
import { t } from "../i18n/text";
import { formatMoney } from "../money";
import { announce } from "../status";
import type { Assessment } from "./assess";
import {
  isBlank,
  isEmpty,
  rows_at_most,
  withAmounts,
  withChange,
  withPayments,
  withRow,
  withoutRow,
  type Draft,
} from "./draft";
import { ListDialog } from "./list-dialog";
import { newPayment } from "./new-payment";
import { attemptsOf, totalOf, type Order } from "./order";
import { PayRow, type RowActions } from "./pay-row";
import { looksLikeList, readPaymentList } from "./payment-list";
import { isLimited, type AddressBook } from "./people";
import { SplitDialog } from "./split-dialog";
import { Totals } from "./totals";

interface Props {
  paymentKey: string;
  draft: Draft;
  change: (change: (draft: Draft) => Draft) => void;
  assessment: Assessment;
  book: AddressBook;
  wallet: Account;
  onReview: () => void;
}

type Focus = { row: number; field: "email" | "amount" };

const note_at_most = 500;

/** Whom to pay how much: the step in which everything can be changed. */
export function PayForm(props: Props) {
  const { draft, change, assessment, book, wallet } = props;
  const { currency } = wallet;
  const form = useRef<HTMLFormElement>(null);
  const [unfinished] = useState(!isBlank(draft));
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [list, setList] = useState<string | null>(null);
  const [splitting, setSplitting] = useState(false);

  const wanted = useRef<Focus | null>(null);
  const focus = (to: Focus) => {
    wanted.current = to;
  };
  // Before the next key is pressed.
  useLayoutEffect(() => {
    if (wanted.current === null) return;
    const { row, field } = wanted.current;
    wanted.current = null;
    form.current?.querySelector<HTMLElement>(`[name="${field}"][data-row="${row}"]`)?.focus();
  });

  const latest = useRef({ draft, assessment });
  latest.current = { draft, assessment };
  const resolveAll = (rows: Draft["rows"]) =>
    book.resolve(rows.map(({ email }) => email).filter((email) => email.trim() !== ""));
  useEffect(() => void resolveAll(draft.rows), []);

  const addRow = () => {
    const [added, id] = withRow(latest.current.draft);
    if (id === null) return announce(t("list.too_many", { count: rows_at_most }));
    change(() => added);
    focus({ row: id, field: "email" });
  };

  const take = (payments: ReturnType<typeof readPaymentList>["payments"]) => {
    const added = withPayments(latest.current.draft, payments, currency);
    change(() => added);
    announce(t("list.added", { count: payments.length }));
    void resolveAll(added.rows);
  };

  // The rows get these once, so that typing in one of a thousand draws one.
  const actions = useMemo<RowActions>(
    () => ({
      change: (id, changes) => change((now) => withChange(now, id, changes)),
      pick: (id, { email }) => {
        change((now) => withChange(now, id, { email }));
        focus({ row: id, field: "amount" });
      },
      leaveAddress: (id) => {
        const row = latest.current.draft.rows.find((each) => each.id === id);
        if (row !== undefined) book.resolveSoon(row.email);
      },
      enter: (id, field) => {
        const { rows } = latest.current.draft;
        const index = rows.findIndex((row) => row.id === id);
        const row = rows[index];
        const following = rows[index + 1];
        if (row === undefined) return;
        if (field === "email" && row.amount.trim() === "") focusNow({ row: id, field: "amount" });
        else if (following !== undefined) focusNow({ row: following.id, field: "email" });
        else if (isEmpty(row)) focusNow({ row: id, field: "email" });
        else addRow();
      },
      remove: (id) => {
        const { rows } = latest.current.draft;
        const index = rows.findIndex((row) => row.id === id);
        const left = withoutRow(latest.current.draft, id);
        change(() => left);
        const next = left.rows[Math.min(index, left.rows.length - 1)];
        if (next !== undefined) focus({ row: next.id, field: "email" });
        announce(t("pay.removed", { count: left.rows.filter((row) => !isEmpty(row)).length }));
      },
      askAgain: (email) => void book.ask(email),
      paste: (id, event) => {
        const text = event.clipboardData?.getData("text/plain") ?? "";
        if (!looksLikeList(text)) return;
        event.preventDefault();
        const { draft: now } = latest.current;
        const room = rows_at_most - now.rows.filter((row) => !isEmpty(row) && row.id !== id).length;
        const { payments, errors } = readPaymentList(text, currency, room, now.locale);
        if (errors.length > 0) return setList(text);
        take(payments);
      },
    }),
    [book],
  );
  const focusNow = ({ row, field }: Focus) =>
    form.current?.querySelector<HTMLElement>(`[name="${field}"][data-row="${row}"]`)?.focus();

  const review = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    setTried(true);
    if (latest.current.assessment.firstError === null) {
      setBusy(true);
      await resolveAll(latest.current.draft.rows);
      setBusy(false);
    }
    setReviewing(true);
  };
  // Decided once what was looked up has been drawn.
  const [reviewing, setReviewing] = useState(false);
  useEffect(() => {
    if (!reviewing) return;
    setReviewing(false);
    if (assessment.firstError !== null) focusNow(assessment.firstError);
    else if (assessment.payments !== null) props.onReview();
    else {
      const unknown = draft.rows.find(({ id }) => assessment.findings.get(id)?.person === null);
      if (unknown !== undefined) focusNow({ row: unknown.id, field: "email" });
    }
  }, [reviewing]);

  return (
    <Page
      class="pay"
      title={t("pay.title")}
      actions={unfinished && <Button onClick={() => newPayment()}>{t("pay.anew")}</Button>}
    >
      <p class="soft">{t("pay.lead")}</p>
      <OpenPayments wallet={wallet} />
      <form
        ref={form}
        class="pay-form"
        noValidate
        onSubmit={(event) => void review(event)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void review(event);
        }}
      >
        <section class="card" aria-labelledby="pay-people">
          <h2 id="pay-people">{t("pay.people")}</h2>
          <ol class="pay-rows">
            {draft.rows.map((row, index) => (
              <PayRow
                key={row.id}
                row={row}
                number={index + 1}
                currency={currency}
                findings={assessment.findings.get(row.id)}
                tried={tried}
                limited={isLimited(book.failure)}
                disabled={busy}
                book={book}
                actions={actions}
              />
            ))}
          </ol>
          <div class="actions">
            <Button disabled={busy || draft.rows.length >= rows_at_most} onClick={addRow}>
              <Icon name="plus" />
              {t("pay.add")}
            </Button>
            <Button disabled={busy} onClick={() => setList("")}>
              {t("pay.list")}
            </Button>
            <Button disabled={busy} onClick={() => setSplitting(true)}>
              {t("pay.split")}
            </Button>
          </div>
          <p class="soft small pay-keys">{t("pay.keys")}</p>
          <LookUpFailed failure={book.failure} />
        </section>
        <section class="card">
          <TextField
            label={t("pay.note")}
            hint={t("pay.note_hint")}
            value={draft.note}
            maxLength={note_at_most}
            disabled={busy}
            dir="auto"
            onInput={(note) => change((now) => ({ ...now, note }))}
          />
        </section>
        <Totals assessment={assessment} wallet={wallet}>
          <Button type="submit" look="primary" busy={busy}>
            {busy ? t("pay.looking_up") : t("pay.review")}
          </Button>
        </Totals>
      </form>
      {list !== null && (
        <ListDialog
          text={list}
          currency={currency}
          locale={draft.locale}
          room={rows_at_most - draft.rows.filter((row) => !isEmpty(row)).length}
          onAdd={take}
          onClose={() => setList(null)}
        />
      )}
      {splitting && (
        <SplitDialog
          draft={draft}
          currency={currency}
          onSplit={(amounts) => {
            change((now) => withAmounts(now, amounts, currency));
            announce(t("split.done"));
          }}
          onClose={() => setSplitting(false)}
        />
      )}
    </Page>
  );
}

function LookUpFailed({ failure }: { failure: Failure | null }) {
  // That the session is over is said above the page.
  if (failure === null || (failure instanceof Problem && failure.code === "unauthenticated")) return null;
  const isUsedUp = isLimited(failure);
  return (
    <Notice tone={isUsedUp ? "warning" : "error"} role="alert" title={t("pay.look_up_failed")}>
      <p>{isUsedUp ? t("pay.look_ups_used_up") : problemText(failure)}</p>
      <p>{t("pay.kept")}</p>
    </Notice>
  );
}

/** Payments of other pages whose outcome is not known: said before the same is paid anew. */
function OpenPayments({ wallet }: { wallet: Account }) {
  const open = useMemo(() => attemptsAt<Order>(attemptsOf(wallet.id)), [wallet.id]);
  return (
    <>
      {open.map(({ key, order }) => (
        <Notice
          key={key}
          tone="warning"
          title={t("sending.open", { total: formatMoney(totalOf(order), wallet.currency) })}
          action={<LinkButton href={`/app/pay/${key}`}>{t("sending.find_out")}</LinkButton>}
        >
          <p>{t("sending.open_text")}</p>
        </Notice>
      ))}
    </>
  );
}
