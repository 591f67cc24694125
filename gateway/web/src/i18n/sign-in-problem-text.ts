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

/** Why a sign-in failed, in the words of the person who tried; never in words of the address, which anybody can write. */
export function signInProblemText(code: string): string {
  return Object.hasOwn(texts, code) ? t(texts[code as keyof typeof texts]) : t("sign_in.other");
}
