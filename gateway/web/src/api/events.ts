import { cache } from "./cache";
import { setLive } from "./live";
import type { Balance, Me } from "./types";

const retry_ms = { first: 1_000, most: 30_000 };
// Many entries within this time are read once.
const gather_ms = 200;

/**
 * Keeps what the cache knows of an account up to date by server-sent events, until the function it returns is called.
 * Where the stream cannot be had, it is tried again, and everything is read anew once it is there.
 */
export function watchAccount(account: string): () => void {
  let source: EventSource | null = null;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let gathering: ReturnType<typeof setTimeout> | undefined;
  let wait_ms = retry_ms.first;
  let missed = false;
  let latest: Balance | null = null;

  const readAgain = () => {
    gathering ??= setTimeout(() => {
      gathering = undefined;
      cache.invalidate(
        (url) => url.startsWith(`/v1/accounts/${account}/`) || url.startsWith("/v1/recipients"),
      );
    }, gather_ms);
  };

  const open = () => {
    source = new EventSource(`/v1/events?account=${account}`);
    source.addEventListener("open", () => {
      setLive(true);
      wait_ms = retry_ms.first;
      if (missed) reset();
      missed = false;
    });
    source.addEventListener("balance", (event) => {
      latest = JSON.parse(event.data) as Balance;
      take(latest);
    });
    source.addEventListener("entry", readAgain);
    source.addEventListener("reset", reset);
    source.addEventListener("error", () => {
      setLive(false);
      // While it is CONNECTING the browser goes on by itself, with Last-Event-ID.
      if (source?.readyState !== EventSource.CLOSED) return;
      missed = true;
      void cache.refetch("/v1/me");
      retry = setTimeout(open, wait_ms);
      wait_ms = Math.min(wait_ms * 2, retry_ms.most);
    });
  };

  const reset = () => {
    void cache.refetch("/v1/me");
    readAgain();
  };

  // An answer that was read before an event may come after it.
  const stopListening = cache.subscribe("/v1/me", () => {
    const known = cache.get<Me>("/v1/me").data?.accounts.find(({ id }) => id === account);
    if (latest?.version != null && known !== undefined && known.version < latest.version) take(latest);
  });

  // A stream notices only after minutes that the network is gone, and that it is back after a while.
  const close = () => {
    source?.close();
    clearTimeout(retry);
    setLive(false);
    missed = true;
  };
  const reopen = () => {
    close();
    open();
  };
  window.addEventListener("offline", close);
  window.addEventListener("online", reopen);

  open();
  return () => {
    window.removeEventListener("offline", close);
    window.removeEventListener("online", reopen);
    stopListening();
    close();
    clearTimeout(gathering);
  };
}

/** Newer figures of an account take the place of older ones; older ones come too late. */
function take({ account, balance, held, available, version }: Balance): void {
  if (balance === null || held === null || version === null) return;
  cache.update<Me>("/v1/me", (me) => ({
    ...me,
    accounts: me.accounts.map((each) =>
      each.id === account && each.version <= version ? { ...each, balance, held, available, version } : each,
    ),
  }));
}
