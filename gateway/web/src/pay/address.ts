// As tokpay.is_address: an address must not cost a look-up to be told to be none. Besides, none of the signs that
// RFC 5322 allows in quotes only: "bob@example.com,5" is an address and an amount, "mailto:bob@example.com" a link.
const address = /^[^@\s\p{Cc}()<>[\]:;,\\"]+@[^@.\s\p{Cc}()<>[\]:;,\\"]+(\.[^@.\s\p{Cc}()<>[\]:;,\\"]+)+$/u;
const bytes_at_most = 254;

/** Whether a text can be an e-mail address. */
export function isAddress(text: string): boolean {
  return address.test(text) && new TextEncoder().encode(text).length <= bytes_at_most;
}

/** An address as the gateway compares it; from "Bob <bob@example.com>" what is in the brackets. */
export function normalised(text: string): string {
  const inBrackets = /<([^<>]*)>\s*$/.exec(text)?.[1];
  return (inBrackets ?? text).trim().toLowerCase();
}
