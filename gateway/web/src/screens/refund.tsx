import { useEffect, useRef, useState } from "preact/hooks";
import { cache } from "../api/cache";
import { Offline, Problem, type Failure } from "../api/client";
import type { Account, Transfer } from "../api/types";
import { Button, LinkButton } from "../components/button";
import { Dialog } from "../components/dialog";
import { MoneyField, moneyErrorText } from "../components/money-field";
import { Notice } from "../components/states";
import { partyName } from "../i18n/entry-text";
import { problemText } from "../i18n/problem-text";
import { t } from "../i18n/text";
import { formatMoney, parseMoney } from "../money";
import { loadAttempt, meaningOf, saveAttempt, sendRefund, type RefundBody } from "./refund-attempt";
import { partyOf } from "./transaction-party";

const refundable = ["transfer", "capture"];

/** Giving back what one was paid; nothing where one was not. */
export function Refund({ transfer, wallet }: { transfer: Transfer; wallet: Account }) {
  const received = transfer.credits
    .filter(({ account }) => account === wallet.id)
    .reduce((sum, { amount }) => sum + amount, 0);
  const own = transfer.debit.account === wallet.id;
  if (own || received <= 0 || transfer.reversed_by !== null || !refundable.includes(transfer.kind))
    return null;
  return <RefundForm transfer={transfer} wallet={wallet} received={received} />;
}

type Phase =
  | { name: "form"; failure: Failure | null }
  | { name: "sending" }
  | { name: "unknown" }
  | { name: "done"; refund: Transfer };

const repeat_ms = { first: 3_000, most: 60_000 };

function RefundForm({
  transfer,
  wallet,
  received,
}: {
  transfer: Transfer;
  wallet: Account;
  received: number;
}) {
  const { currency } = transfer;
  const attempt = useRef(loadAttempt(transfer.id));
  const [phase, setPhase] = useState<Phase>(
    attempt.current.sent === null ? { name: "form", failure: null } : { name: "unknown" },
  );
  const [text, setText] = useState(
    formatMoney(attempt.current.sent?.amount ?? received, currency, { bare: true }),
  );
  const [error, setError] = useState("");
  const [confirming, setConfirming] = useState<RefundBody | null>(null);
  const repeat = useRef(repeat_ms.first);
  const field = useRef<HTMLInputElement>(null);
  const outcome = useRef<HTMLDivElement>(null);
  const payer = partyName(partyOf(transfer, transfer.debit.account));

  const send = async (body: RefundBody) => {
    const repeated = attempt.current.sent !== null;
    attempt.current = { ...attempt.current, sent: body };
    saveAttempt(transfer.id, attempt.current);
    setPhase({ name: "sending" });
    try {
      const refund = await sendRefund(transfer.id, attempt.current.key, body);
      saveAttempt(transfer.id, null);
      attempt.current = loadAttempt(transfer.id);
      setPhase({ name: "done", refund });
      cache.invalidate((url) => url.startsWith(`/v1/accounts/${wallet.id}/`) || url === "/v1/me");
    } catch (failure) {
      if (!(failure instanceof Problem || failure instanceof Offline)) throw failure;
      const meaning = meaningOf(failure);
      if (meaning === "unknown" || (meaning === "not_executed" && repeated)) {
        setPhase({ name: "unknown" });
      } else {
        attempt.current = { ...attempt.current, sent: null };
        saveAttempt(transfer.id, attempt.current);
        setPhase({ name: "form", failure });
      }
    }
  };

  // The answer is found by the same request with the same key, which moves the money at most once.
  useEffect(() => {
    const { sent } = attempt.current;
    if (phase.name !== "unknown" || sent === null) return;
    const timer = setTimeout(() => void send(sent), repeat.current);
    repeat.current = Math.min(repeat.current * 2, repeat_ms.most);
    return () => clearTimeout(timer);
  }, [phase]);
  useEffect(() => {
    if (phase.name === "done") outcome.current?.focus();
  }, [phase.name]);

  const review = (event: Event) => {
    event.preventDefault();
    const parsed = parseMoney(text, currency);
    const wrong =
      parsed.error !== null
        ? moneyErrorText(parsed.error, currency)
        : parsed.amount === 0
          ? t("money.negative")
          : parsed.amount > received
            ? t("refund.too_much", { most: formatMoney(received, currency) })
            : "";
    setError(wrong);
    if (parsed.amount === null || wrong !== "") field.current?.focus();
    else
      setConfirming({
        account: wallet.id,
        amount: parsed.amount,
        description: t("refund.note", { reference: transfer.id }),
      });
  };

  const locked = phase.name === "sending" || phase.name === "unknown";
  return (
    <section class="card refund no-print" aria-labelledby="refund">
      <h2 id="refund">{t("refund.title")}</h2>
      {phase.name === "done" ? (
        <div ref={outcome} tabIndex={-1}>
          <Notice
            tone="success"
            role="status"
            title={t("refund.done", { amount: formatMoney(phase.refund.amount, currency), name: payer })}
            action={<LinkButton href={`/app/transactions/${phase.refund.id}`}>{t("refund.see")}</LinkButton>}
          />
        </div>
      ) : (
        <form onSubmit={review} noValidate>
          <p class="soft">{t("refund.text", { name: payer })}</p>
          <MoneyField
            label={t("refund.amount")}
            hint={t("refund.hint", { most: formatMoney(received, currency) })}
            currency={currency}
            value={text}
            error={error}
            disabled={locked}
            inputRef={field}
            onInput={setText}
          />
          {phase.name === "form" && phase.failure !== null && (
            <Notice tone="error" role="alert" title={t("refund.failed")}>
              <p>{problemText(phase.failure)}</p>
            </Notice>
          )}
          {phase.name === "unknown" && (
            <Notice tone="warning" role="alert" title={t("refund.unknown")}>
              <p>{t("refund.unknown_text")}</p>
            </Notice>
          )}
          <div class="actions">
            <Button type="submit" busy={locked}>
              {locked ? t("refund.sending") : t("refund.review")}
            </Button>
          </div>
        </form>
      )}
      {confirming !== null && (
        <Dialog title={t("refund.confirm")} onClose={() => setConfirming(null)}>
          <p>{t("refund.confirm_text", { amount: formatMoney(confirming.amount, currency), name: payer })}</p>
          <div class="actions">
            <Button
              look="primary"
              onClick={() => {
                setConfirming(null);
                void send(confirming);
              }}
            >
              {t("refund.send", { amount: formatMoney(confirming.amount, currency) })}
            </Button>
            <Button onClick={() => setConfirming(null)}>{t("action.cancel")}</Button>
          </div>
        </Dialog>
      )}
    </section>
  );
}
