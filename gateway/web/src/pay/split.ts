import type { Minor } from "../money";

/** A sum in equal parts; what does not divide goes to the first ones, a minor unit each. Empty where parts would be 0. */
export function splitEvenly(sum: Minor, parts: number): Minor[] {
  if (parts < 1 || sum < parts) return [];
  const rest = sum % parts;
  const each = (sum - rest) / parts;
  return Array.from({ length: parts }, (_, part) => each + (part < rest ? 1 : 0));
}
