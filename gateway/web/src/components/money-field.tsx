import type { ComponentChildren, Ref } from "preact";
import { t } from "../i18n/text";
import { exponentOf, formatMoney, type MoneyError } from "../money";
import { TextField } from "./field";

/** What is wrong with an amount as it was typed, in words. */
export function moneyErrorText(error: MoneyError, currency: string): string {
  switch (error) {
    case "empty":
      return t("money.empty");
    case "negative":
      return t("money.negative");
    case "too_large":
      return t("money.too_large");
    case "too_many_decimals":
      return exponentOf(currency) === 0
        ? t("money.no_decimals", { currency })
        : t("money.too_many_decimals", { currency, count: exponentOf(currency) });
    case "not_a_number":
      return t("money.not_a_number", {
        example: formatMoney(exampleAmount(currency), currency, { bare: true }),
      });
  }
}

const exampleAmount = (currency: string) => 123456 * 10 ** Math.max(0, exponentOf(currency) - 2);

/** An amount as text in the locale's way; the text is the state, parseMoney reads it. */
export function MoneyField(props: {
  label: ComponentChildren;
  currency: string;
  value: string;
  onInput: (text: string) => void;
  hint?: ComponentChildren;
  error?: ComponentChildren;
  name?: string;
  disabled?: boolean;
  inputRef?: Ref<HTMLInputElement>;
}) {
  const { currency, label, ...rest } = props;
  return (
    <TextField
      {...rest}
      label={
        <>
          {label} <span class="currency">{currency}</span>
        </>
      }
      class="money"
      inputMode={exponentOf(currency) === 0 ? "numeric" : "decimal"}
      autoComplete="off"
    />
  );
}
