import type { Me, Theme } from "../api/types";
import { direction, language, setLocale } from "./locale";

type Profile = Pick<Me, "locale" | "theme">;

const root = document.documentElement;
// What the gateway has put into the page; plain English is what it puts where it knows nothing.
const served: Profile = {
  locale: root.lang === "en" ? null : root.lang,
  theme: (root.dataset["theme"] ?? "system") as Theme,
};

/** Makes the page follow a profile's locale and theme; where none is known, what the page came with. */
export function applyProfile(profile: Profile = served): void {
  setLocale(profile.locale);
  root.lang = language();
  root.dir = direction();
  root.dataset["theme"] = profile.theme;
}
