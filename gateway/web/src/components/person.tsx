/** A person's initials in a circle of a colour that is always theirs; only for the eye. */
export function Avatar({ name }: { name: string | null }) {
  const words = (name ?? "").trim().split(/\s+/).filter(Boolean);
  const first = (word: string | undefined) => Array.from(word ?? "")[0] ?? "";
  const initials = first(words[0]) + (words.length > 1 ? first(words.at(-1)) : "");
  const hue = Array.from(name ?? "").reduce((sum, char) => (sum * 31 + (char.codePointAt(0) ?? 0)) % 6, 0);
  return (
    <span class={`avatar hue-${hue}`} aria-hidden="true">
      {initials.toUpperCase() || "•"}
    </span>
  );
}
