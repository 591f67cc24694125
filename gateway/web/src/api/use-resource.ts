import { useEffect, useReducer } from "preact/hooks";
import { cache, type Known } from "./cache";
import { Offline, type Problem } from "./client";
import type { Account, Config, Me } from "./types";

export interface Resource<Body> {
  data: Body | undefined;
  /** A request is on its way; with data it is a refresh. */
  loading: boolean;
  /** Why the last request failed; null where it did not, or for want of a network. */
  problem: Problem | null;
  offline: boolean;
  refetch: () => void;
}

/** What GET url answers, shared with everybody who asks for the same; null asks for nothing. */
export function useResource<Body>(url: string | null): Resource<Body> {
  const [, render] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    if (url === null) return;
    const stop = cache.subscribe(url, () => render(undefined));
    render(undefined);
    return stop;
  }, [url]);

  const known: Known<Body> = url === null ? { loading: false } : cache.get<Body>(url);
  const { data, error } = known;
  const untouched = url !== null && data === undefined && error === undefined;
  return {
    data,
    loading: known.loading || untouched,
    problem: error === undefined || error instanceof Offline ? null : error,
    offline: error instanceof Offline,
    refetch: () => {
      if (url !== null) void cache.refetch(url);
    },
  };
}

/** The configuration, which comes with every page. */
export function useConfig(): Config {
  return useResource<Config>("/v1/config").data ?? { currencies: [], providers: [], demo_funding: null };
}

/** Who is signed in. Pages under /app are only shown once it is known. */
export function useMe(): Me {
  const { data } = useResource<Me>("/v1/me");
  if (data === undefined) throw new Error("/v1/me is not known yet");
  return data;
}

/** The account of the person who is signed in. */
export function useWallet(): Account {
  const wallet = useMe().accounts[0];
  if (wallet === undefined) throw new Error("nobody without a wallet is signed in");
  return wallet;
}
