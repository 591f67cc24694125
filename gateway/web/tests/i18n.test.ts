import assert from "node:assert/strict";
import test from "node:test";
import { direction, language, languages, localeTag, setLocale } from "../src/i18n/locale";
import { t, texts, type TextKey } from "../src/i18n/text";
import type { Plural } from "../src/i18n/texts/translation";

const forms = (text: string | Plural): string[] =>
  typeof text === "string" ? [text] : Object.values(text as Record<string, string>);
const placeholders = (text: string | Plural): string[] =>
  [...new Set(forms(text).flatMap((form) => form.match(/\{\w+\}/g) ?? []))].sort();

test("every language has every text, none of them empty, with the same placeholders", () => {
  const keys = Object.keys(texts.en).sort() as TextKey[];
  for (const [name, all] of Object.entries(texts)) {
    assert.deepEqual(Object.keys(all).sort(), keys, name);
    for (const key of keys) {
      assert.ok(
        forms(all[key]).every((form) => form.trim() !== ""),
        `${name} ${key}`,
      );
      // A plural form may leave the count out: "one person".
      const wanted = placeholders(texts.en[key]).filter((each) => each !== "{count}");
      assert.deepEqual(
        placeholders(all[key]).filter((each) => each !== "{count}"),
        wanted,
        `${name} ${key}`,
      );
    }
  }
});

test("a text is chosen by its plural category and written in the locale's digits", () => {
  setLocale("en-US");
  assert.equal(t("overview.days", { count: 1 }), "1 day");
  assert.equal(t("overview.days", { count: 1500 }), "1,500 days");
  setLocale("ar-EG");
  assert.equal(t("overview.days", { count: 2 }), "يومان");
  assert.equal(t("overview.days", { count: 3 }), "٣ أيام");
  assert.equal(t("overview.days", { count: 30 }), "٣٠ يوماً");
  setLocale("en-US");
});

test("what is filled in is never read as a placeholder itself", () => {
  setLocale("en-US");
  assert.equal(t("transaction.to", { name: "{name} $& $1" }), "Payment to {name} $& $1");
});

const locales: [profile: string | null, browser: string[], tag: string][] = [
  ["en-GB", ["de-DE"], "en-GB"],
  ["ar", [], "ar-EG"],
  ["ar-MA", ["en-US"], "ar-MA"],
  [null, ["en-GB"], "en-GB"],
  [null, ["en"], "en-US"],
  [null, ["de-DE", "ar-EG"], "ar-EG"],
  [null, ["de-DE", "de"], "en-DE"],
  [null, [], "en-US"],
  ["fr-FR", ["fr-FR"], "en-FR"],
  ["not a tag!", ["en-CH"], "en-CH"],
  ["en-US-u-nu-thai", [], "en-US"],
];

test("the profile decides the locale, else the browser, else English with the browser's formats", () => {
  for (const [profile, browser, tag] of locales) {
    setLocale(profile, browser);
    assert.equal(localeTag(), tag, `${profile} ${browser}`);
    assert.ok(language() in languages);
    assert.equal(direction(), tag.startsWith("ar") ? "rtl" : "ltr");
  }
  setLocale("en-US");
});
