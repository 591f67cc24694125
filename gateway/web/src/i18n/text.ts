import { ar } from "./texts/ar";
import { en } from "./texts/en";
import { language, localeTag, type Language } from "./locale";
import type { Plural, Translation } from "./texts/translation";

export type TextKey = keyof typeof en;

type Placeholders<Text> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;
type Values<Key extends TextKey> = (typeof en)[Key] extends { other: infer Text }
  ? Placeholders<Text> | "count"
  : Placeholders<(typeof en)[Key]>;
type Arguments<Key extends TextKey> = [Values<Key>] extends [never]
  ? []
  : [{ [Name in Values<Key>]: Name extends "count" ? number : string | number }];

export const texts: Record<Language, Translation<typeof en>> = { en, ar };

/** A text in the present language with its {placeholders} filled in. Numbers are written as the locale does. */
export function t<Key extends TextKey>(key: Key, ...[values]: Arguments<Key>): string {
  const text: string | Plural = texts[language()][key];
  const given = (values ?? {}) as Record<string, string | number>;
  const chosen = typeof text === "string" ? text : (text[category(given["count"])] ?? text.other);
  return chosen.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = given[name] ?? "";
    return typeof value === "number" ? new Intl.NumberFormat(localeTag()).format(value) : value;
  });
}

function category(count: string | number | undefined): Intl.LDMLPluralRule {
  return new Intl.PluralRules(localeTag()).select(Number(count));
}
