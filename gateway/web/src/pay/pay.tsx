import { useEffect, useMemo, useState } from "preact/hooks";
import { useAttempt, type Sending } from "../attempt/use-attempt";
import { Offline, Problem, request, type Failure } from "../api/client";
import type { Transfer } from "../api/types";
import { useMe, useWallet } from "../api/use-resource";
import { Page } from "../components/page";
import { FailedNotice, Skeleton } from "../components/states";
import { t } from "../i18n/text";
import { navigate } from "../router";
import { NotFound } from "../screens/not-found";
import { announce } from "../status";
import { assess } from "./assess";
import { loadDraft, noteWritten, writtenKey } from "./draft-store";
import { isFresh, newPayment, newPaymentOf, markUsed } from "./new-payment";
import { attemptsOf, bodyOf, type Order } from "./order";
import { PayForm } from "./pay-form";
import { Receipt } from "./receipt";
import { Review } from "./review";
import { SendingPage } from "./sending-page";
import { useAddressBook } from "./use-address-book";
import { peopleOf, useDraft } from "./use-draft";
import { useStep } from "./use-step";

/** The payment at /app/pay/{paymentKey}; null at /app/pay, which goes to what was left unfinished or to a new one. */
export function Pay({ paymentKey }: { paymentKey: string | null }) {
  if (paymentKey === null) return <NewPayment />;
  if (!/^[\w-]{22}$/.test(paymentKey)) return <NotFound />;
  return <Payment paymentKey={paymentKey} />;
}

function NewPayment() {
  const { id } = useWallet();
  useEffect(() => {
    const key = writtenKey();
    if (key !== null && loadDraft(key, id) !== null) navigate(`/app/pay/${key}`, { replace: true });
    else newPayment({ replace: true });
  }, []);
  return null;
}

/** What the ledger knows of a key: the transfer, or null. Throws what request throws. */
async function findTransfer(account: string, key: string): Promise<Transfer | null> {
  try {
    return (await request<Transfer>(`/v1/transfers?${new URLSearchParams({ debit: account, key })}`)).body;
  } catch (failure) {
    if (failure instanceof Problem && failure.code === "not_found") return null;
    throw failure;
  }
}

function Payment({ paymentKey }: { paymentKey: string }) {
  const wallet = useWallet();
  const { identities } = useMe();
  const [book, known] = useAddressBook(wallet.id);
  const [draft, change] = useDraft(paymentKey, wallet, book, known);
  const ask = () => findTransfer(wallet.id, paymentKey);
  const sending = useAttempt<Order>({
    place: attemptsOf(wallet.id) + paymentKey,
    url: "/v1/transfers",
    account: wallet.id,
    bodyOf,
    ask,
  });
  const entry = useEntry(paymentKey, ask, sending);
  const other = useOtherContent(sending, ask);

  const own = identities.filter(({ payable }) => payable).map(({ email }) => (email ?? "").toLowerCase());
  const assessment = useMemo(
    () =>
      assess(draft, {
        currency: wallet.currency,
        available: wallet.available ?? wallet.balance,
        find: (email) => book.find(email),
        own,
      }),
    [draft, known, wallet.available],
  );

  const { state } = sending;
  const isSent = state.name !== "open" || other !== null;
  useEffect(() => {
    if (isSent || !entry.asking) noteWritten(paymentKey, !isSent);
  }, [isSent, entry.asking]);
  const [step, go] = useStep(assessment.payments !== null || state.name !== "open");
  if (state.name === "done")
    return <Receipt key="receipt" transfer={state.transfer} paymentKey={paymentKey} />;
  if (other !== null)
    return (
      <Receipt
        key="receipt"
        transfer={other}
        paymentKey={paymentKey}
        unsent={() => newPaymentOf(wallet.id, draft, peopleOf(draft, book))}
      />
    );
  if (state.name !== "open") return <SendingPage key="sending" state={state} askNow={sending.askNow} />;
  if (entry.failure !== null && loadDraft(paymentKey, wallet.id) === null)
    return <EntryFailed failure={entry.failure} retry={entry.retry} />;
  if (entry.asking)
    return (
      <Page key="asking" title={t("pay.title")}>
        <Skeleton rows={5} />
      </Page>
    );

  if (step === "review" && assessment.payments !== null) {
    const order = { account: wallet.id, payments: assessment.payments, note: draft.note.trim() || null };
    return (
      <Review
        key="review"
        order={order}
        paymentKey={paymentKey}
        wallet={wallet}
        failure={state.failure}
        send={() => {
          markUsed(paymentKey);
          sending.send(paymentKey, order);
        }}
        onBack={() => go("form")}
      />
    );
  }
  return (
    <PayForm
      key="form"
      paymentKey={paymentKey}
      draft={draft}
      change={change}
      assessment={assessment}
      book={book}
      wallet={wallet}
      onReview={() => {
        sending.reopen();
        announce("");
        go("review");
      }}
    />
  );
}

/** Asks the ledger, when one comes to the page, whether the payment was made already. */
function useEntry(key: string, ask: () => Promise<Transfer | null>, sending: Sending<Order>) {
  const [asking, setAsking] = useState(!isFresh(key));
  const [failure, setFailure] = useState<Failure | null>(null);
  const look = async () => {
    setAsking(true);
    setFailure(null);
    try {
      const transfer = await ask();
      if (transfer !== null) sending.take(transfer);
    } catch (thrown) {
      if (!(thrown instanceof Problem || thrown instanceof Offline)) throw thrown;
      setFailure(thrown);
    }
    setAsking(false);
  };
  useEffect(() => {
    if (asking) void look();
  }, []);
  return { asking, failure, retry: () => void look() };
}

/** The transfer that the key was used for, where what was sent from here came too late for it. */
function useOtherContent(sending: Sending<Order>, ask: () => Promise<Transfer | null>): Transfer | null {
  const [transfer, setTransfer] = useState<Transfer | null>(null);
  const { state } = sending;
  const isReused =
    state.name === "open" && state.failure instanceof Problem && state.failure.code === "key_reused";
  useEffect(() => {
    if (isReused) ask().then(setTransfer, () => {});
  }, [isReused]);
  return transfer;
}

function EntryFailed({ failure, retry }: { failure: Failure; retry: () => void }) {
  const problem = failure instanceof Problem ? failure : null;
  return (
    <Page title={t("pay.title")}>
      <FailedNotice resource={{ problem, offline: problem === null, refetch: retry, loading: false }} />
    </Page>
  );
}
