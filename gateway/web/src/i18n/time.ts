import { localeTag } from "./locale";

/** The browser's time zone, an IANA name. */
export const timeZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

function format(options: Intl.DateTimeFormatOptions) {
  const formats = new Map<string, Intl.DateTimeFormat>();
  return (time: string | Date, locale = localeTag()): string => {
    let found = formats.get(locale);
    if (found === undefined) {
      found = new Intl.DateTimeFormat(locale, { calendar: "gregory", ...options });
      formats.set(locale, found);
    }
    return found.format(new Date(time));
  };
}

export const formatDate = format({ dateStyle: "medium" });
export const formatDay = format({ month: "short", day: "numeric" });
export const formatTime = format({ timeStyle: "short" });
export const formatDateTime = format({ dateStyle: "medium", timeStyle: "short" });
/** To the second, with the time zone: for receipts. */
export const formatExact = format({
  year: "numeric",
  month: "long",
  day: "numeric",
  hour: "numeric",
  minute: "2-digit",
  second: "2-digit",
  timeZoneName: "short",
});

/** The local midnight a number of days from today, as an instant: RFC 3339 in UTC. */
export function midnight(days: number, now: Date = new Date()): string {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days).toISOString();
}

/** The local midnight of a date, YYYY-MM-DD, some days on; null where there is no such date. */
export function midnightOf(date: string, days = 0): string | null {
  const [year = 0, month = 0, day = 0] = date.split("-").map(Number);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date) || year === 0) return null;
  const found = new Date(2000, 0, 1);
  found.setFullYear(year, month - 1, day);
  if (found.getMonth() !== month - 1 || found.getDate() !== day) return null;
  found.setDate(day + days);
  return found.toISOString();
}

/** The first of this month, local time, as an instant. */
export function startOfMonth(now: Date = new Date()): string {
  return new Date(now.getFullYear(), now.getMonth(), 1).toISOString();
}
