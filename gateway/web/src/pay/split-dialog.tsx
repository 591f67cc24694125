import { useRef, useState } from "preact/hooks";
import { Button } from "../components/button";
import { Dialog } from "../components/dialog";
import { MoneyField, moneyErrorText } from "../components/money-field";
import { t } from "../i18n/text";
import { formatMoney, parseMoney, type Minor } from "../money";
import { sharers, type Draft } from "./draft";
import { splitEvenly } from "./split";

/** A sum becomes the amounts of the rows that have an address, or of all. */
export function SplitDialog(props: {
  draft: Draft;
  currency: string;
  onSplit: (amounts: Map<number, Minor>) => void;
  onClose: () => void;
}) {
  const { draft, currency } = props;
  const [text, setText] = useState("");
  const [error, setError] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const rows = sharers(draft);
  const sum = parseMoney(text, currency, draft.locale);
  const parts = splitEvenly(sum.amount ?? 0, rows.length);

  const split = (event: Event) => {
    event.preventDefault();
    const wrong =
      sum.error !== null
        ? moneyErrorText(sum.error, currency)
        : parts.length === 0
          ? t("split.too_small")
          : "";
    setError(wrong);
    if (wrong !== "") return field.current?.focus();
    props.onSplit(new Map(rows.map((row, index) => [row.id, parts[index] ?? 0])));
    props.onClose();
  };

  return (
    <Dialog title={t("split.title")} onClose={props.onClose}>
      <form class="split" noValidate onSubmit={split}>
        <MoneyField
          label={t("split.amount")}
          currency={currency}
          hint={t("split.among", { count: rows.length })}
          value={text}
          error={error}
          inputRef={field}
          onInput={setText}
        />
        <p class="soft" role="status">
          {partsText(parts, currency)}
        </p>
        <div class="actions">
          <Button type="submit" look="primary">
            {t("split.apply")}
          </Button>
          <Button onClick={props.onClose}>{t("action.cancel")}</Button>
        </div>
      </form>
    </Dialog>
  );
}

function partsText(parts: Minor[], currency: string): string {
  const [most] = parts;
  const least = parts.at(-1);
  if (most === undefined || least === undefined) return "";
  if (most === least) return t("split.even", { amount: formatMoney(most, currency), count: parts.length });
  const first = parts.filter((part) => part === most).length;
  return t("split.uneven", {
    more: formatMoney(most, currency),
    first,
    less: formatMoney(least, currency),
    others: parts.length - first,
  });
}
