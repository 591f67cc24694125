import type { Attempt } from "./attempt";

/**
 * Attempts without a definite answer, in the browser's storage: every tab sees them, and they outlive reloads. A
 * browser that refuses storage still pays once: the key is in the page's address.
 */
export interface AttemptStore<Order> {
  load(): Attempt<Order> | null;
  save(attempt: Attempt<Order> | null): void;
  /** Calls listener when another tab begins or settles an attempt. */
  watch(listener: (attempt: Attempt<Order> | null) => void): () => void;
}

export function attemptStore<Order>(place: string): AttemptStore<Order> {
  return {
    load: () => parse<Order>(quietly(() => localStorage.getItem(place)) ?? null),
    save: (attempt) =>
      quietly(() => {
        if (attempt === null) localStorage.removeItem(place);
        else localStorage.setItem(place, JSON.stringify(attempt));
      }),
    watch: (listener) => {
      const told = (event: StorageEvent) => {
        if (event.key === place) listener(parse<Order>(event.newValue));
      };
      window.addEventListener("storage", told);
      return () => window.removeEventListener("storage", told);
    },
  };
}

/** The attempts of all places that begin with prefix. */
export function attemptsAt<Order>(prefix: string): Attempt<Order>[] {
  const places = quietly(() => Object.keys(localStorage)) ?? [];
  return places
    .filter((place) => place.startsWith(prefix))
    .map((place) => attemptStore<Order>(place).load())
    .filter((attempt) => attempt !== null);
}

function parse<Order>(text: string | null): Attempt<Order> | null {
  return quietly(() => JSON.parse(text ?? "null") as Attempt<Order> | null) ?? null;
}

function quietly<Result>(access: () => Result): Result | undefined {
  try {
    return access();
  } catch {
    return undefined;
  }
}
