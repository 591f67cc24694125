import { useEffect, useMemo, useReducer } from "preact/hooks";
import { cache } from "../api/cache";
import { Offline, Problem, request } from "../api/client";
import type { Transfer } from "../api/types";
import { isSettledBy, next, unanswered, waitBefore, type Attempt, type Event, type State } from "./attempt";
import { attemptStore, type AttemptStore } from "./attempt-store";

export interface Sending<Order> {
  state: State<Order>;
  /** Sends an order, if nothing else is under way. */
  send: (key: string, order: Order) => void;
  /** Repeats the request of an unknown outcome now rather than later. */
  askNow: () => void;
  /** Forgets why the last order was refused. */
  reopen: () => void;
  /** Takes an answer that was found by other means. */
  take: (transfer: Transfer) => void;
}

/** Orders of one kind: where their attempts are kept, and how they are sent. */
export interface Orders<Order> {
  place: string;
  url: string;
  bodyOf: (order: Order) => unknown;
  /** The account whose balance they change. */
  account: string;
  /** What the ledger knows of an attempt that another tab has settled; null: it was refused. */
  ask?: (() => Promise<Transfer | null>) | undefined;
}

/** Sends orders and finds out what became of them, whatever happens in between. */
export function useAttempt<Order>(orders: Orders<Order>): Sending<Order> {
  const { place, account, ask } = orders;
  const store = useMemo(() => attemptStore<Order>(place), [place]);
  const [state, dispatch] = useReducer<State<Order>, Event<Order>, null>(next, null, () => {
    const open: State<Order> = { name: "open", failure: null };
    const attempt = store.load();
    return attempt === null ? open : next(open, { name: "found", attempt });
  });

  useEffect(() => {
    if (state.name === "sending") void post(orders, store, state.attempt).then(dispatch);
  }, [state]);

  useEffect(() => {
    if (state.name !== "unknown") return;
    const repeat = () => dispatch({ name: "repeat" });
    const timer = setTimeout(repeat, waitBefore(state.attempt));
    window.addEventListener("online", repeat);
    return () => {
      clearTimeout(timer);
      window.removeEventListener("online", repeat);
    };
  }, [state]);

  useEffect(() => {
    if (state.name === "done")
      cache.invalidate((url) => url.startsWith(`/v1/accounts/${account}/`) || url === "/v1/me");
  }, [state.name]);

  useEffect(
    () =>
      store.watch((attempt) => {
        if (attempt !== null) dispatch({ name: "found", attempt });
        else
          ask?.().then(
            (transfer) => dispatch({ name: "settled_elsewhere", transfer }),
            // Without an answer the outcome stays unknown here, and the request is repeated.
            () => {},
          );
      }),
    [store],
  );

  return {
    state,
    send: (key, order) => dispatch({ name: "send", key, order }),
    askNow: () => dispatch({ name: "repeat" }),
    reopen: () => dispatch({ name: "reopened" }),
    take: (transfer) => {
      store.save(null);
      dispatch({ name: "answered", transfer });
    },
  };
}

/** One request for an attempt, which is kept in store from before it is sent until the answer is definite. */
async function post<Order>(
  { url, bodyOf }: Orders<Order>,
  store: AttemptStore<Order>,
  attempt: Attempt<Order>,
): Promise<Event<Order>> {
  store.save(attempt);
  try {
    const { body } = await request<Transfer>(url, {
      method: "POST",
      body: bodyOf(attempt.order),
      headers: { "Idempotency-Key": attempt.key },
    });
    store.save(null);
    return { name: "answered", transfer: body };
  } catch (failure) {
    if (!(failure instanceof Problem || failure instanceof Offline)) throw failure;
    store.save(isSettledBy(failure, attempt) ? null : unanswered(attempt));
    return { name: "failed", failure };
  }
}
