import type { ProblemDocument } from "./types";

/** The gateway refused, or nobody can know: code and status say why. */
export class Problem extends Error {
  constructor(readonly document: ProblemDocument) {
    super(document.detail);
  }
  get code(): string {
    return this.document.code;
  }
  get status(): number {
    return this.document.status;
  }
}

/** No answer came: the network, or the time, was not enough. What was sent may have been executed. */
export class Offline extends Error {}

export type Failure = Problem | Offline;

export interface Answer<Body> {
  status: number;
  headers: Headers;
  body: Body;
}

export interface Request {
  method?: "GET" | "POST" | "PATCH" | "DELETE";
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

// Longer than the gateway's own deadline, so that its answer is what one usually sees.
const deadline_ms = 30_000;

let tellSession: (over: boolean) => void = () => {};

/** Calls listener with what every answer says about the session: over (401), or not. */
export function onSession(listener: (over: boolean) => void): void {
  tellSession = listener;
}

/** Sends a request to the gateway. Throws Problem or Offline, nothing else, unless signal aborts it. */
export async function request<Body>(url: string, options: Request = {}): Promise<Answer<Body>> {
  const { method = "GET", body, signal } = options;
  const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
  if (method !== "GET") headers["TokPay-Client"] = "web";
  if (body !== undefined) headers["Content-Type"] = "application/json";

  const stop = new AbortController();
  const abort = () => stop.abort();
  signal?.addEventListener("abort", abort);
  const timer = setTimeout(abort, deadline_ms);
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: stop.signal,
    });
    text = await response.text();
  } catch {
    if (signal?.aborted) throw new DOMException("aborted", "AbortError");
    throw new Offline("no answer");
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }

  if (response.ok || response.status === 401) tellSession(!response.ok);
  if (response.ok)
    return { status: response.status, headers: response.headers, body: parse<Body>(text) as Body };
  throw new Problem(parse<ProblemDocument>(text) ?? unexplained(response.status));
}

function parse<Body>(text: string): Body | undefined {
  try {
    return JSON.parse(text) as Body;
  } catch {
    return undefined;
  }
}

function unexplained(status: number): ProblemDocument {
  return { status, code: "unexplained", title: "Unexplained", detail: "" };
}
