import { useEffect, useRef, useState } from "preact/hooks";
import type { State } from "../attempt/attempt";
import { useAttempt } from "../attempt/use-attempt";
import { Problem, type Failure } from "../api/client";
import type { Account, Config, Transfer } from "../api/types";
import { useConfig, useWallet } from "../api/use-resource";
import { Amount } from "../components/amount";
import { Button, LinkButton } from "../components/button";
import { Choice } from "../components/choice";
import { MoneyField, moneyErrorText } from "../components/money-field";
import { Page } from "../components/page";
import { Notice } from "../components/states";
import { problemText } from "../i18n/problem-text";
import { t } from "../i18n/text";
import { newKey } from "../idempotency-key";
import { exponentOf, formatMoney, parseMoney, type Minor } from "../money";

interface Order {
  account: string;
  amount: Minor;
}
type Limits = NonNullable<Config["demo_funding"]>;

/** Adds money of a demonstration to the wallet. */
export function TopUp() {
  const wallet = useWallet();
  const { demo_funding: limits } = useConfig();
  const [round, setRound] = useState(0);
  return (
    <Page class="narrow" title={t("top_up.title")}>
      {limits === null ? (
        <Notice title={t("top_up.off")}>
          <p>{t("top_up.off_text")}</p>
        </Notice>
      ) : (
        <TopUpForm key={round} wallet={wallet} limits={limits} again={() => setRound(round + 1)} />
      )}
    </Page>
  );
}

const presets = [20, 50, 100, 500];

function TopUpForm({ wallet, limits, again }: { wallet: Account; limits: Limits; again: () => void }) {
  const { currency } = wallet;
  const { state, send, askNow } = useAttempt<Order>({
    place: `top-up/${wallet.id}`,
    url: "/v1/top-ups",
    account: wallet.id,
    bodyOf: (order) => order,
  });
  const unit = 10 ** exponentOf(currency);
  const most = limits.max_top_up_major_units * unit;
  const amounts = presets.filter((preset) => preset * unit <= most);
  const [choice, setChoice] = useState(amounts[1] === undefined ? "other" : String(amounts[1]));
  const [text, setText] = useState("");
  const [error, setError] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const sum =
    choice === "other" ? parseMoney(text, currency) : { amount: Number(choice) * unit, error: null };

  const submit = (event: Event) => {
    event.preventDefault();
    const wrong =
      sum.error !== null
        ? moneyErrorText(sum.error, currency)
        : sum.amount === 0
          ? t("money.negative")
          : sum.amount > most
            ? t("top_up.too_much", { most: formatMoney(most, currency) })
            : "";
    setError(wrong);
    if (sum.amount === null || wrong !== "") field.current?.focus();
    else send(newKey(), { account: wallet.id, amount: sum.amount });
  };

  const limitTexts = {
    most: formatMoney(most, currency),
    daily: formatMoney(limits.max_daily_major_units * unit, currency),
  };
  return (
    <>
      <Notice tone="warning" title={t("top_up.honest")}>
        <p>{t("top_up.honest_text", limitTexts)}</p>
      </Notice>
      <section class="card">
        <h2>{t("top_up.balance")}</h2>
        <p class="big">
          <Amount amount={balanceAfter(state, wallet)} currency={currency} />
        </p>
      </section>
      {state.name === "open" && state.failure !== null && (
        <Notice tone="error" role="alert" title={t("top_up.not_done")}>
          <p>{failureText(state.failure, limitTexts)}</p>
        </Notice>
      )}
      {isUnknown(state) && (
        <Notice
          tone="warning"
          role="alert"
          title={t("top_up.unknown")}
          action={
            <Button busy={state.name === "sending"} onClick={askNow}>
              {t("sending.ask")}
            </Button>
          }
        >
          <p>{t("top_up.unknown_text")}</p>
        </Notice>
      )}
      {state.name === "done" ? (
        <Done transfer={state.transfer} again={again} />
      ) : (
        <form class="card top-up" noValidate onSubmit={submit}>
          <fieldset disabled={state.name !== "open"}>
            <Choice
              legend={t("top_up.choose")}
              value={choice}
              options={[
                ...amounts.map((amount) => ({
                  value: String(amount),
                  text: formatMoney(amount * unit, currency),
                })),
                { value: "other", text: t("top_up.other") },
              ]}
              onChange={(value) => {
                setChoice(value);
                setError("");
              }}
            />
            {choice === "other" && (
              <MoneyField
                label={t("top_up.amount")}
                currency={currency}
                hint={t("top_up.hint", limitTexts)}
                value={text}
                error={error}
                inputRef={field}
                onInput={setText}
              />
            )}
          </fieldset>
          <div class="actions">
            <Button type="submit" look="primary" busy={state.name !== "open"}>
              {submitText(state, sum.amount, currency)}
            </Button>
          </div>
        </form>
      )}
    </>
  );
}

function Done({ transfer, again }: { transfer: Transfer; again: () => void }) {
  const notice = useRef<HTMLDivElement>(null);
  useEffect(() => notice.current?.focus(), []);
  const { amount, currency, id } = transfer;
  return (
    <div ref={notice} tabIndex={-1}>
      <Notice
        tone="success"
        role="status"
        title={t("top_up.done", { amount: formatMoney(amount, currency) })}
        action={
          <>
            <LinkButton look="primary" href="/app/pay">
              {t("nav.pay")}
            </LinkButton>
            <Button onClick={again}>{t("top_up.again")}</Button>
            <LinkButton href={`/app/transactions/${id}`}>{t("receipt.transaction")}</LinkButton>
          </>
        }
      />
    </div>
  );
}

const isUnknown = (state: State<Order>) =>
  (state.name === "sending" || state.name === "unknown") && state.attempt.unanswered > 0;

/** The wallet's balance, or the one the ledger has just told where that is newer. */
function balanceAfter(state: State<Order>, wallet: Account): Minor {
  const leg =
    state.name === "done" ? state.transfer.credits.find(({ account }) => account === wallet.id) : undefined;
  const isNewer = leg !== undefined && (leg.version ?? 0) > wallet.version;
  return isNewer && leg.balance !== null ? leg.balance : wallet.balance;
}

function failureText(failure: Failure, limits: { most: string; daily: string }): string {
  const isAboveLimit = failure instanceof Problem && failure.code === "limit_exceeded";
  return isAboveLimit ? t("top_up.limit", limits) : problemText(failure);
}

function submitText(state: State<Order>, amount: Minor | null, currency: string): string {
  if (state.name !== "open") return t("top_up.sending");
  if (amount === null || amount === 0) return t("top_up.send_none");
  return t("top_up.send", { amount: formatMoney(amount, currency) });
}
