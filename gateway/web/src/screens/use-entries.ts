import { useEffect, useState } from "preact/hooks";
import { Offline, Problem, request, type Failure } from "../api/client";
import type { Entry, Page } from "../api/types";
import { useResource } from "../api/use-resource";

export interface Entries {
  /** Newest first; undefined until something is known. */
  entries: Entry[] | undefined;
  hasMore: boolean;
  loading: boolean;
  problem: Problem | null;
  offline: boolean;
  refetch: () => void;
  loadMore: () => void;
}

interface Older {
  url: string;
  pages: Page<Entry>[];
  loading: boolean;
  failure: Failure | null;
}

const nothing = (url: string): Older => ({ url, pages: [], loading: false, failure: null });

// Outlives its page, so that one comes back to as many entries as one has left.
const memory = {
  url: "",
  entries: new Map<number, Entry>(),
  dropped: [] as Page<Entry>[],
  older: nothing(""),
};

// A search may end before it has found anything; so often it is continued without being asked.
const rounds_at_most = 10;

/** The entries that url asks for: the newest page, kept up to date, and the older ones that were loaded. */
export function useEntries(url: string): Entries {
  const newest = useResource<Page<Entry>>(url);
  const [state, setOlder] = useState<Older>(memory.older);
  const older: Older = state.url === url ? state : nothing(url);
  memory.older = { ...older, loading: false };
  const { seen, pages: olderPages } = useSeen(url, newest.data, older.pages);
  const last = olderPages.at(-1) ?? newest.data;

  const loadMore = async () => {
    if (older.loading || !last?.next_cursor) return;
    const pages = olderPages.slice();
    let cursor: string | null = last.next_cursor;
    let failure: Failure | null = null;
    setOlder({ url, pages, loading: true, failure });
    try {
      for (let round = 0; cursor !== null && round < rounds_at_most; round++) {
        const page: Page<Entry> = (
          await request<Page<Entry>>(`${url}&${new URLSearchParams({ cursor }).toString()}`)
        ).body;
        pages.push(page);
        cursor = page.has_more && page.data.length === 0 ? page.next_cursor : null;
      }
    } catch (error) {
      if (!(error instanceof Problem || error instanceof Offline)) throw error;
      failure = error;
    }
    setOlder((now) => (now.url === url ? { url, pages, loading: false, failure } : now));
  };

  const nothingYet = newest.data !== undefined && seen.length === 0 && olderPages.length === 0;
  const goOn = nothingYet && newest.data?.has_more === true;
  useEffect(() => {
    if (goOn) void loadMore();
  }, [goOn, url]);

  const failure = older.failure;
  return {
    entries: newest.data === undefined || (goOn && failure === null) ? undefined : seen,
    hasMore: last?.has_more ?? false,
    loading: newest.loading || older.loading,
    problem: newest.problem ?? (failure instanceof Problem ? failure : null),
    offline: newest.offline || failure instanceof Offline,
    refetch: () => (failure === null ? newest.refetch() : void loadMore()),
    loadMore: () => void loadMore(),
  };
}

/**
 * All entries that were ever seen for a URL, newest first: those that newer ones push off the newest page stay. Where
 * that has left all of them behind, it starts anew, without the older pages.
 */
function useSeen(url: string, newest: Page<Entry> | undefined, older: Page<Entry>[]) {
  if (memory.url !== url) Object.assign(memory, { url, entries: new Map(), dropped: [] });
  const { entries } = memory;
  const rows = newest?.data ?? [];
  if (entries.size > 0 && rows.length > 0 && !rows.some(({ version }) => entries.has(version))) {
    entries.clear();
    memory.dropped = older;
  }
  const pages = older === memory.dropped ? [] : older;
  for (const entry of [...rows, ...pages.flatMap(({ data }) => data)]) entries.set(entry.version, entry);
  return { seen: [...entries.values()].sort((a, b) => b.version - a.version), pages };
}
