import type { Me } from "../api/types";
import { direction, language, setLocale } from "./locale";

/** Makes the page follow a profile's locale and theme; without one, the browser's. */
export function applyProfile(profile: Pick<Me, "locale" | "theme"> | null): void {
  setLocale(profile?.locale ?? null);
  const root = document.documentElement;
  root.lang = language();
  root.dir = direction();
  root.dataset["theme"] = profile?.theme ?? "system";
}
