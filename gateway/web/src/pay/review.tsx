import { useEffect, useState } from "preact/hooks";
import { Offline, Problem, request, type Failure } from "../api/client";
import type { Account } from "../api/types";
import { Amount } from "../components/amount";
import { Button, LinkButton } from "../components/button";
import { Dialog } from "../components/dialog";
import { Icon } from "../components/icon";
import { Page } from "../components/page";
import { Notice } from "../components/states";
import { problemText, refusalText } from "../i18n/problem-text";
import { t } from "../i18n/text";
import { formatTime } from "../i18n/time";
import { formatMoney, type Minor } from "../money";
import { findEqualPayment, type EqualPayment } from "./find-equal-payment";
import { bodyOf, totalOf, type Order } from "./order";
import { Fact, OrderTable } from "./order-table";

interface Refusal {
  code: string;
  account: string;
  detail: string;
}

/** What POST /v1/transfers:preview tells of a payment. */
interface Preview {
  debit: { balance_after: Minor | null };
  refusals: Refusal[];
}

interface Props {
  order: Order;
  paymentKey: string;
  wallet: Account;
  /** Why the last attempt was refused. */
  failure: Failure | null;
  send: () => void;
  onBack: () => void;
}

/** Everything once more before it is sent. */
export function Review({ order, paymentKey, wallet, failure, send, onBack }: Props) {
  const { currency } = wallet;
  const total = totalOf(order);
  const count = order.payments.length;
  const preview = usePreview(order, wallet.version);
  const [checking, setChecking] = useState(false);
  const [checkFailure, setCheckFailure] = useState<Failure | null>(null);
  const [equal, setEqual] = useState<EqualPayment | null>(null);
  const refusals = preview.data?.refusals ?? [];
  const ownRefusals = refusals.filter(({ account }) => account === order.account);
  const repeated = repeatedAccounts(order);

  const submit = async () => {
    if (checking) return;
    setChecking(true);
    setCheckFailure(null);
    try {
      const found = await findEqualPayment(order, paymentKey);
      if (found === null) send();
      else setEqual(found);
    } catch (thrown) {
      if (!(thrown instanceof Problem || thrown instanceof Offline)) throw thrown;
      setCheckFailure(thrown);
    }
    setChecking(false);
  };

  const shownFailure = checkFailure ?? failure;
  return (
    <Page class="narrow" title={t("review.title")}>
      <p class="soft">{t("review.lead")}</p>
      {shownFailure !== null && (
        <Notice tone="error" role="alert" title={t("review.not_sent")}>
          <p>{failureText(shownFailure, order)}</p>
        </Notice>
      )}
      {refusals.length > 0 && (
        <Notice tone="error" role="alert" title={t("review.cannot")}>
          {ownRefusals.map(({ code, detail }) => (
            <p key={code}>{refusalText(code) ?? detail}</p>
          ))}
          {refusals.length > ownRefusals.length && (
            <ul>
              {refusals
                .filter(({ account }) => account !== order.account)
                .map((refusal) => (
                  <li key={`${refusal.account} ${refusal.code}`}>{refusedText(refusal, order)}</li>
                ))}
            </ul>
          )}
        </Notice>
      )}
      {preview.failure !== null && shownFailure === null && (
        <Notice
          tone="warning"
          role="alert"
          title={t("review.no_check")}
          action={<Button onClick={preview.again}>{t("state.retry")}</Button>}
        >
          <p>{problemText(preview.failure)}</p>
        </Notice>
      )}
      <section class="card">
        <OrderTable
          caption={t("pay.people")}
          currency={currency}
          rows={order.payments.map(({ name, email, account, amount }) => ({
            name,
            email,
            amount,
            remark: remarkOn(account, repeated, refusals),
          }))}
        />
      </section>
      <section class="card">
        <dl class="facts">
          {order.note !== null && (
            <Fact name={t("review.note")}>
              <bdi>{order.note}</bdi>
            </Fact>
          )}
          <Fact name={t("review.total")}>
            <strong>
              <Amount amount={total} currency={currency} />
            </strong>
          </Fact>
          <Fact name={t("review.balance_after")}>
            <Amount
              amount={preview.data?.debit.balance_after ?? wallet.balance - total}
              currency={currency}
            />
          </Fact>
        </dl>
      </section>
      <div class="actions">
        {refusals.length === 0 && (
          <Button look="primary" busy={checking} onClick={() => void submit()}>
            {checking
              ? t("review.checking")
              : t("review.send", { count, total: formatMoney(total, currency) })}
          </Button>
        )}
        <Button disabled={checking} onClick={onBack}>
          <Icon name="back" />
          {t("review.back")}
        </Button>
      </div>
      {equal !== null && (
        <Dialog title={t("equal.title")} onClose={() => setEqual(null)}>
          <p>{equalText(equal, formatMoney(total, currency))}</p>
          <div class="actions">
            <LinkButton
              href={
                "transfer" in equal ? `/app/transactions/${equal.transfer.id}` : `/app/pay/${equal.openKey}`
              }
            >
              {t("equal.see")}
            </LinkButton>
            <Button onClick={() => setEqual(null)}>{t("action.cancel")}</Button>
            <Button
              look="danger"
              onClick={() => {
                setEqual(null);
                send();
              }}
            >
              {t("equal.again", { total: formatMoney(total, currency) })}
            </Button>
          </div>
        </Dialog>
      )}
    </Page>
  );
}

/** What the ledger would say now; asked again whenever the wallet has changed. */
function usePreview(order: Order, version: number) {
  const [data, setData] = useState<Preview | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    request<Preview>("/v1/transfers:preview", {
      method: "POST",
      body: bodyOf(order),
      signal: stop.signal,
    }).then(
      ({ body }) => {
        setData(body);
        setFailure(null);
      },
      (thrown: unknown) => {
        if (thrown instanceof Problem || thrown instanceof Offline) setFailure(thrown);
      },
    );
    return () => stop.abort();
  }, [version, asked]);
  return { data, failure, again: () => setAsked(asked + 1) };
}

function repeatedAccounts({ payments }: Order): Set<string> {
  const seen = new Set<string>();
  return new Set(
    payments.map(({ account }) => account).filter((account) => seen.size === seen.add(account).size),
  );
}

function remarkOn(account: string, repeated: Set<string>, refusals: Refusal[]) {
  const refusal = refusals.find((each) => each.account === account);
  if (refusal !== undefined)
    return <span class="field-error">{refusalText(refusal.code) ?? refusal.detail}</span>;
  return repeated.has(account) && <span class="soft small">{t("review.repeated")}</span>;
}

function nameIn(order: Order, account: string | undefined): string | undefined {
  const payment = order.payments.find((each) => each.account === account);
  return payment?.name ?? payment?.email;
}

function refusedText({ code, account, detail }: Refusal, order: Order): string {
  const problem = refusalText(code) ?? detail;
  return t("review.refused_about", { name: nameIn(order, account) ?? account, problem });
}

function failureText(failure: Failure, order: Order): string {
  const problem = problemText(failure);
  const name = failure instanceof Problem ? nameIn(order, failure.document.account) : undefined;
  return name === undefined ? problem : t("review.refused_about", { name, problem });
}

function equalText(equal: EqualPayment, total: string): string {
  return "transfer" in equal
    ? t("equal.text", { time: formatTime(equal.transfer.at), total })
    : t("equal.text_open", { total });
}
