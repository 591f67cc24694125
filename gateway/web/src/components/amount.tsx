import { t } from "../i18n/text";
import { formatMoney, type Minor } from "../money";

/** An amount in tabular digits. signed: with + or −, and in words for a screen reader; never by colour alone. */
export function Amount(props: { amount: Minor; currency: string; signed?: boolean; class?: string }) {
  const { amount, currency, signed = false } = props;
  const tone = signed && amount > 0 ? "incoming" : "";
  return (
    <span class={`amount ${tone} ${props.class ?? ""}`}>
      {signed && <span class="visually-hidden">{amount < 0 ? t("amount.out") : t("amount.in")} </span>}
      <bdi>{formatMoney(amount, currency, { sign: signed ? "always" : "auto" })}</bdi>
    </span>
  );
}
