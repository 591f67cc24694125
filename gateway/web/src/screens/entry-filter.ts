import { midnightOf } from "../i18n/time";

/** What the list of transactions is narrowed to, as the page's query has it: amounts in minor units, local dates. */
export interface EntryFilter {
  q: string;
  direction: "" | "in" | "out";
  counterparty: string;
  min_amount: string;
  max_amount: string;
  from: string;
  to: string;
}

export const emptyFilter: EntryFilter = {
  q: "",
  direction: "",
  counterparty: "",
  min_amount: "",
  max_amount: "",
  from: "",
  to: "",
};

export const longest_search = 200;

/** Reads a page's query; what cannot be meant is left out. */
export function filterOf(query: URLSearchParams): EntryFilter {
  const value = (name: keyof EntryFilter, allowed: RegExp) => {
    const text = query.get(name) ?? "";
    return allowed.test(text) ? text : "";
  };
  return {
    q: (query.get("q") ?? "").slice(0, longest_search),
    direction: value("direction", /^(in|out)$/) as EntryFilter["direction"],
    counterparty: value("counterparty", /^[1-9]\d{0,18}$/),
    min_amount: value("min_amount", /^\d{1,15}$/),
    max_amount: value("max_amount", /^\d{1,15}$/),
    from: midnightOf(query.get("from") ?? "") === null ? "" : (query.get("from") ?? ""),
    to: midnightOf(query.get("to") ?? "") === null ? "" : (query.get("to") ?? ""),
  };
}

export function isFiltered(filter: EntryFilter): boolean {
  return Object.values(filter).some((value) => value !== "");
}

/** The filter as the page's query. */
export const pageQuery = (filter: EntryFilter): Record<string, string> => ({ ...filter });

/** The filter as the gateway's parameters: days become instants, the last one included. */
export function requestQuery(filter: EntryFilter): Record<string, string> {
  return {
    ...filter,
    q: filter.q.trim(),
    from: midnightOf(filter.from) ?? "",
    to: midnightOf(filter.to, 1) ?? "",
  };
}
