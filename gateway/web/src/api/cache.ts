import { Offline, Problem, request, type Failure } from "./client";

/** What is known of a URL. data outlives errors: an old balance with a warning beats none. */
export interface Known<Body> {
  data?: Body;
  error?: Failure;
  loading: boolean;
}

interface Item {
  known: Known<unknown>;
  stale: boolean;
  pending: Promise<void> | null;
  listeners: Set<() => void>;
}

// Only URLs nobody looks at are forgotten.
const items_at_most = 100;

/** Answers to GET requests by URL; every reader of a URL shares one request. */
export class Cache {
  private readonly items = new Map<string, Item>();

  constructor(
    private readonly load: (url: string) => Promise<unknown> = async (url) => (await request(url)).body,
  ) {}

  /** Takes answers that came with the page: {"URL": body}. */
  seed(data: Record<string, unknown>): void {
    for (const [url, body] of Object.entries(data)) this.set(url, body);
  }

  get<Body>(url: string): Known<Body> {
    return (this.items.get(url)?.known ?? { loading: false }) as Known<Body>;
  }

  set(url: string, data: unknown): void {
    const item = this.item(url);
    item.stale = false;
    this.tell(item, { data, loading: false });
  }

  update<Body>(url: string, change: (data: Body) => Body): void {
    const known = this.get<Body>(url);
    if (known.data !== undefined) this.tell(this.item(url), { ...known, data: change(known.data) });
  }

  /** Calls listener on every change of a URL, loading it where it is not known or stale. */
  subscribe(url: string, listener: () => void): () => void {
    const item = this.item(url);
    item.listeners.add(listener);
    if (item.stale) void this.refetch(url);
    return () => {
      item.listeners.delete(listener);
      if (item.listeners.size === 0) item.stale = true;
    };
  }

  /** Loads a URL, once however many ask. Never throws: the outcome is in get(). */
  refetch(url: string): Promise<void> {
    const item = this.item(url);
    item.pending ??= this.run(url, item);
    return item.pending;
  }

  /** What matches is loaded again: now where somebody looks at it, else when somebody does. */
  invalidate(matches: (url: string) => boolean): void {
    for (const [url, item] of this.items) {
      if (!matches(url)) continue;
      item.stale = true;
      if (item.listeners.size > 0) void this.refetch(url);
    }
  }

  private async run(url: string, item: Item): Promise<void> {
    this.tell(item, { ...item.known, loading: true });
    do {
      item.stale = false;
      try {
        const data = await this.load(url);
        this.tell(item, { data, loading: item.stale });
      } catch (error) {
        if (!(error instanceof Problem || error instanceof Offline)) throw error;
        this.tell(item, { ...item.known, error, loading: false });
        item.stale = false;
      }
    } while (item.stale && item.listeners.size > 0);
    item.pending = null;
  }

  private tell(item: Item, known: Known<unknown>): void {
    item.known = known;
    for (const listener of item.listeners) listener();
  }

  private item(url: string): Item {
    let item = this.items.get(url);
    if (item === undefined) {
      this.forgetOne();
      item = { known: { loading: false }, stale: true, pending: null, listeners: new Set() };
      this.items.set(url, item);
    }
    return item;
  }

  private forgetOne(): void {
    if (this.items.size < items_at_most) return;
    for (const [url, item] of this.items) {
      if (item.listeners.size > 0 || item.pending !== null || url === "/v1/config" || url === "/v1/me")
        continue;
      this.items.delete(url);
      return;
    }
  }
}

export const cache = new Cache();
