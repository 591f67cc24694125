import { useEffect, useState } from "preact/hooks";

export interface Location {
  path: string;
  query: URLSearchParams;
}

const listeners = new Set<() => void>();

/** The present address within the app. */
export function location(): Location {
  return { path: window.location.pathname, query: new URLSearchParams(window.location.search) };
}

/** What the history keeps of a page: where one came from, and how far it was scrolled when one left it. */
interface Kept {
  from?: string;
  scroll?: number;
}
const kept = (): Kept => (history.state as Kept | null) ?? {};

/** How far to scroll down on the page one has come to, which is more than 0 where one has come back. */
export const keptScroll = (): number => kept().scroll ?? 0;

/** The address one came from to this page, "" where that is not known. */
export const cameFrom = (): string => kept().from ?? "";

/** Goes to an address of the app. replace: the present one is not kept in the history. */
export function navigate(url: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, "", url);
  else {
    history.replaceState({ ...kept(), scroll: window.scrollY }, "");
    history.pushState({ from: window.location.pathname + window.location.search }, "", url);
  }
  for (const listener of listeners) listener();
}

export function useLocation(): Location {
  const [now, setNow] = useState(location);
  useEffect(() => {
    const listener = () => setNow(location());
    listeners.add(listener);
    window.addEventListener("popstate", listener);
    // A page's own effects run before this one, and may have gone elsewhere.
    if (window.location.pathname !== now.path) listener();
    return () => {
      listeners.delete(listener);
      window.removeEventListener("popstate", listener);
    };
  }, []);
  return now;
}

/** The values of a pattern's ":names" in a path: match("/app/pay/:key", "/app/pay/x") is {key: "x"}. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split("/");
  const given = path.replace(/(.)\/$/, "$1").split("/");
  if (wanted.length !== given.length) return null;
  const values: Record<string, string> = {};
  for (const [i, part] of wanted.entries()) {
    const value = given[i] ?? "";
    if (!part.startsWith(":")) {
      if (part !== value) return null;
    } else {
      const decoded = decode(value);
      if (decoded === "") return null;
      values[part.slice(1)] = decoded;
    }
  }
  return values;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

/** An address with the members of a query that have a value. */
export function address(path: string, query: Record<string, string | null | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) search.set(name, value);
  const text = search.toString();
  return text === "" ? path : `${path}?${text}`;
}

// Everything else on this origin is the gateway's: downloads, signing in.
const own = (path: string) => path === "/" || path === "/app" || path.startsWith("/app/");

/** Makes plain links to the app's own pages change the page without loading it. */
export function interceptLinks(): void {
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element).closest("a");
    if (link === null || link.target !== "" || link.hasAttribute("download")) return;
    const url = new URL(link.href, window.location.href);
    const here = window.location;
    if (url.origin !== here.origin || !own(url.pathname)) return;
    if (url.hash !== "" && url.pathname === here.pathname && url.search === here.search) return;
    event.preventDefault();
    const to = url.pathname + url.search;
    navigate(to, { replace: to === here.pathname + here.search });
  });
}
