import { t, type TextKey } from "./text";

const texts = {
  sign_in_expired: "sign_in.expired",
  state_mismatch: "sign_in.mismatch",
  issuer_mismatch: "sign_in.mismatch",
  token_invalid: "sign_in.mismatch",
  provider_refused: "sign_in.refused",
  provider_unavailable: "sign_in.unavailable",
  wrong_link: "sign_in.wrong_link",
} as const satisfies Record<string, TextKey>;

/** Why a sign-in failed, in the words of the person who tried. */
export function signInProblemText(code: string, detail: string): string {
  return code in texts ? t(texts[code as keyof typeof texts]) : detail;
}
