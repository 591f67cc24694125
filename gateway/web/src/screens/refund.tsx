import { useEffect, useRef, useState } from "preact/hooks";
import { cache } from "../api/cache";
import { useAttempt } from "../attempt/use-attempt";
import type { Account, Transfer } from "../api/types";
import { Button, LinkButton } from "../components/button";
import { Dialog } from "../components/dialog";
import { MoneyField, moneyErrorText } from "../components/money-field";
import { Notice } from "../components/states";
import { partyName } from "../i18n/entry-text";
import { problemText } from "../i18n/problem-text";
import { t } from "../i18n/text";
import { newKey } from "../idempotency-key";
import { formatMoney, parseMoney, type Minor } from "../money";
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
  const refunded = refundedBy(transfer, wallet.id);
  return <RefundForm transfer={transfer} wallet={wallet} received={received} refunded={refunded} />;
}

/** What a payee, or all of them, have given back of a transfer. */
export function refundedBy({ refunded = [] }: Transfer, payee?: string): Minor {
  return refunded
    .filter(({ account }) => payee === undefined || account === payee)
    .reduce((sum, { amount }) => sum + amount, 0);
}

interface Order {
  account: string;
  amount: number;
  description: string;
}

function RefundForm({
  transfer,
  wallet,
  received,
  refunded,
}: {
  transfer: Transfer;
  wallet: Account;
  received: Minor;
  refunded: Minor;
}) {
  const { currency } = transfer;
  const { state, send, askNow } = useAttempt<Order>({
    place: `refund/${wallet.id}/${transfer.id}`,
    url: `/v1/transfers/${transfer.id}:refund`,
    account: wallet.id,
    bodyOf: (order) => order,
  });
  const attempt = state.name === "sending" || state.name === "unknown" ? state.attempt : null;
  const left = received - refunded;
  const [typed, setText] = useState<string | null>(null);
  const text = typed ?? formatMoney(left, currency, { bare: true });
  const [error, setError] = useState("");
  const [confirming, setConfirming] = useState<Order | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const outcome = useRef<HTMLDivElement>(null);
  const payer = partyName(partyOf(transfer, transfer.debit.account));

  const failure = state.name === "open" ? state.failure : null;

  useEffect(() => {
    if (state.name === "done") outcome.current?.focus();
    // How much is left has changed, or was not known.
    if (state.name === "done" || failure !== null) void cache.refetch(`/v1/transfers/${transfer.id}`);
  }, [state.name, failure]);

  const review = (event: Event) => {
    event.preventDefault();
    const parsed = parseMoney(text, currency);
    const wrong =
      parsed.error !== null
        ? moneyErrorText(parsed.error, currency)
        : parsed.amount === 0
          ? t("money.negative")
          : parsed.amount > left
            ? t("refund.too_much", { most: formatMoney(left, currency) })
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

  const locked = attempt !== null;
  return (
    <section class="card refund no-print" aria-labelledby="refund">
      <h2 id="refund">{t("refund.title")}</h2>
      {state.name === "done" ? (
        <div ref={outcome} tabIndex={-1}>
          <Notice
            tone="success"
            role="status"
            title={t("refund.done", { amount: formatMoney(state.transfer.amount, currency), name: payer })}
            action={
              <LinkButton href={`/app/transactions/${state.transfer.id}`}>{t("refund.see")}</LinkButton>
            }
          />
        </div>
      ) : left <= 0 && attempt === null ? (
        <p>{t("refund.all", { amount: formatMoney(refunded, currency), name: payer })}</p>
      ) : (
        <form onSubmit={review} noValidate>
          <p class="soft">{t("refund.text", { name: payer })}</p>
          {refunded > 0 && <p>{t("refund.part", { amount: formatMoney(refunded, currency) })}</p>}
          <MoneyField
            label={t("refund.amount")}
            hint={t("refund.hint", { most: formatMoney(left, currency) })}
            currency={currency}
            value={attempt === null ? text : formatMoney(attempt.order.amount, currency, { bare: true })}
            error={error}
            disabled={locked}
            inputRef={field}
            onInput={setText}
          />
          {failure !== null && (
            <Notice tone="error" role="alert" title={t("refund.failed")}>
              <p>{problemText(failure)}</p>
            </Notice>
          )}
          {attempt !== null && attempt.unanswered > 0 && (
            <Notice
              tone="warning"
              role="alert"
              title={t("refund.unknown")}
              action={
                <Button busy={state.name === "sending"} onClick={askNow}>
                  {t("sending.ask")}
                </Button>
              }
            >
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
                send(newKey(), confirming);
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
