/** The locale of texts, numbers and dates: a language the app has texts in, and a region for its formats. */
export const languages = {
  en: { name: "English", dir: "ltr", regions: ["US", "GB", "DE", "CH", "IN", "SE", "JP"] },
  ar: { name: "العربية", dir: "rtl", regions: ["EG", "AE", "MA"] },
} as const;
export type Language = keyof typeof languages;

interface Locale {
  language: Language;
  tag: string;
}

function localeOf(tag: string): Locale | null {
  let parsed: Intl.Locale;
  try {
    parsed = new Intl.Locale(tag).maximize();
  } catch {
    return null;
  }
  if (!(parsed.language in languages)) return null;
  const language = parsed.language as Language;
  return { language, tag: `${language}-${parsed.region ?? languages[language].regions[0]}` };
}

/** The first of the browser's languages that the app has texts in; else English with the browser's formats. */
function localeOfBrowser(preferred: readonly string[]): Locale {
  for (const tag of preferred) {
    const found = localeOf(tag);
    if (found !== null) return found;
  }
  let region: string | undefined;
  try {
    region = new Intl.Locale(preferred[0] ?? "en").maximize().region;
  } catch {
    region = undefined;
  }
  return { language: "en", tag: `en-${region ?? "US"}` };
}

let current: Locale = { language: "en", tag: "en-US" };

/** Chooses the locale: the profile's, or the browser's where that is null or has no texts. */
export function setLocale(
  tag: string | null,
  preferred: readonly string[] = globalThis.navigator?.languages ?? [],
): void {
  current = (tag === null ? null : localeOf(tag)) ?? localeOfBrowser(preferred);
}

/** The BCP 47 tag that numbers and dates are written by. */
export const localeTag = (): string => current.tag;
export const language = (): Language => current.language;
export const direction = (): "ltr" | "rtl" => languages[current.language].dir;
