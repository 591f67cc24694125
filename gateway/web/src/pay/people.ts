import { Offline, Problem, request, type Failure } from "../api/client";
import { isAddress, normalised } from "./address";

/** Whose an address is. name only of people who were paid before. */
export interface Person {
  email: string;
  status: "ok" | "unknown" | "self" | "invalid";
  account: string | null;
  name: string | null;
}

/** Somebody who was paid before (GET /v1/recipients). */
export interface Recipient {
  email: string;
  account: string;
  display_name: string | null;
  last_paid_at: string;
}

interface Resolved {
  email: string;
  status: Person["status"];
  account: string | null;
  display_name: string | null;
}

export const recipientsUrl = (q: string) =>
  q === "" ? "/v1/recipients" : `/v1/recipients?${new URLSearchParams({ q })}`;

// One goes on to the next field within that time.
const gather_ms = 300;
// After that many writes in a second the gateway wants a pause; it is no reason to give up.
const pause_ms = 1_200;
// A request that passes the day's budget of unknown addresses tells nothing of any, so few are asked at once; more,
// while all of them are known, for a second allows ten requests.
const asked_at_once = 50;
const known_at_once = 200;
// Past the day's budget people paid before are still found, by a request each.
const found_singly_at_most = 20;

/** What is known of addresses. Each is looked up once, several at a time: a wallet has a budget of them. */
export class AddressBook {
  private readonly known = new Map<string, Person>();
  private readonly wanted = new Set<string>();
  private readonly listeners = new Set<() => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: Promise<void> = Promise.resolve();
  /** Why the last look-up failed. */
  failure: Failure | null = null;

  constructor(private readonly account: string) {}

  find(address: string): Person | undefined {
    return this.known.get(normalised(address));
  }

  learn(people: Person[]): void {
    if (people.length === 0) return;
    for (const person of people) this.known.set(person.email, person);
    for (const listener of this.listeners) listener();
  }

  learnRecipients(recipients: Recipient[]): void {
    this.learn(
      recipients
        .filter(({ email, account }) => this.known.get(normalised(email))?.account !== account)
        .map(({ email, account, display_name }) => ({
          email: normalised(email),
          status: "ok" as const,
          account,
          name: display_name,
        })),
    );
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  /** Looks an address up a moment later, together with others. */
  resolveSoon(address: string): void {
    if (!this.isNew(address)) return;
    this.wanted.add(normalised(address));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.resolve([]), gather_ms);
  }

  /** Looks up whichever of these are not known yet; what could not be is told by failure. */
  resolve(addresses: string[]): Promise<void> {
    clearTimeout(this.timer);
    for (const address of addresses) this.wanted.add(normalised(address));
    this.running = this.running.then(() => this.run());
    return this.running;
  }

  /** Forgets an address that was unknown and asks again. */
  ask(address: string): Promise<void> {
    this.known.delete(normalised(address));
    return this.resolve([address]);
  }

  private isNew(address: string): boolean {
    const email = normalised(address);
    return isAddress(email) && !this.known.has(email);
  }

  private async run(): Promise<void> {
    const emails = [...this.wanted].filter((email) => this.isNew(email));
    this.wanted.clear();
    if (emails.length === 0) return;
    this.failure = null;
    try {
      for (let from = 0, count = asked_at_once; from < emails.length;) {
        const people = await this.lookUp(emails.slice(from, from + count));
        this.learn(people);
        from += count;
        const isAnyUnknown = people.some(({ status }) => status === "unknown");
        count = isAnyUnknown ? asked_at_once : Math.min(count * 2, known_at_once);
      }
    } catch (failure) {
      if (!(failure instanceof Problem || failure instanceof Offline)) throw failure;
      if (isLimited(failure)) await this.findSingly(emails.filter((email) => this.isNew(email)));
      if (emails.some((email) => this.isNew(email))) this.failure = failure;
      for (const listener of this.listeners) listener();
    }
  }

  private async lookUp(emails: string[], again = true): Promise<Person[]> {
    try {
      const { body } = await request<{ results: Resolved[] }>("/v1/recipients:resolve", {
        method: "POST",
        body: { account: this.account, emails },
      });
      return body.results.map(({ email, status, account, display_name }) => ({
        email: normalised(email),
        status,
        account,
        name: display_name,
      }));
    } catch (failure) {
      if (!isLimited(failure) || !again) throw failure;
      await new Promise((resolve) => setTimeout(resolve, pause_ms));
      return this.lookUp(emails, false);
    }
  }

  private async findSingly(emails: string[]): Promise<void> {
    for (const email of emails.slice(0, found_singly_at_most)) {
      try {
        const { body } = await request<{ data: Recipient[] }>(recipientsUrl(email));
        this.learnRecipients(body.data);
      } catch {
        return;
      }
    }
  }
}

export const isLimited = (failure: unknown) => failure instanceof Problem && failure.code === "rate_limited";

/** Those of people whose address, or a word of whose name, begins with q. */
export function matching(people: Recipient[], q: string): Recipient[] {
  const wanted = q.trim().toLowerCase();
  return people.filter(
    ({ email, display_name }) =>
      email.toLowerCase().startsWith(wanted) ||
      ` ${(display_name ?? "").toLowerCase()}`.includes(` ${wanted}`),
  );
}
