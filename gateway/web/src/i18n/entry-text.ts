import type { Entry, Kind, Party } from "../api/types";
import { t } from "./text";

/** A party's name, or its account where it has none that one may see. */
export function partyName(party: Party): string {
  return party.display_name ?? t("party.account", { account: party.account });
}

/** Who, or what, an entry is about: "Bob Baker", "Bob Baker and 2 others", "Top-up". */
export function entryTitle({ kind, parties }: Pick<Entry, "kind" | "parties">): string {
  const [first, ...others] = parties;
  if (kind === "top_up" || first === undefined) return kindText(kind);
  const name = partyName(first);
  if (others.length === 0) return name;
  // The name keeps its own direction, whichever the words around it have (FSI, PDI).
  return t("party.and_others", { name: `\u2068${name}\u2069`, count: others.length });
}

export function kindText(kind: Kind): string {
  switch (kind) {
    case "transfer":
      return t("kind.transfer");
    case "top_up":
      return t("kind.top_up");
    case "reverse":
      return t("kind.reverse");
    case "hold":
      return t("kind.hold");
    case "capture":
      return t("kind.capture");
    case "void":
      return t("kind.void");
  }
}
