import { useRef, useState } from "preact/hooks";
import { Button } from "../components/button";
import { Dialog } from "../components/dialog";
import { Field } from "../components/field";
import { moneyErrorText } from "../components/money-field";
import { t } from "../i18n/text";
import { formatMoney } from "../money";
import { rows_at_most } from "./draft";
import { readPaymentList, type ListError, type ListedPayment } from "./payment-list";

interface Props {
  /** What was pasted into a field and could not be taken as it was, or "". */
  text: string;
  currency: string;
  locale: string;
  /** How many payments there is room for. */
  room: number;
  onAdd: (payments: ListedPayment[]) => void;
  onClose: () => void;
}

const file_bytes_at_most = 1_000_000;
const errors_shown_at_most = 20;

/** Lines of addresses and amounts, typed, pasted or out of a file; what is wrong is told line by line. */
export function ListDialog({ currency, locale, room, onAdd, onClose, ...props }: Props) {
  const [text, setText] = useState(props.text);
  const [problem, setProblem] = useState("");
  const area = useRef<HTMLTextAreaElement>(null);
  const { payments, errors } = readPaymentList(text, currency, room, locale);
  const total = payments.reduce((sum, { amount }) => sum + (amount ?? 0), 0);

  const open = async (file: File | undefined) => {
    if (file === undefined) return;
    if (file.size > file_bytes_at_most) return setProblem(t("list.too_large"));
    setProblem("");
    setText(await file.text());
  };
  const add = () => {
    if (payments.length === 0 || errors.length > 0) {
      if (errors.length === 0) setProblem(t("list.empty"));
      area.current?.focus();
      return;
    }
    onAdd(payments);
    onClose();
  };

  const amount = formatMoney(1250, currency, { bare: true, locale });
  return (
    <Dialog title={t("list.title")} onClose={onClose}>
      <Field
        label={t("list.text")}
        hint={t("list.hint", { example: `name@example.com${amount.includes(",") ? ";" : ","} ${amount}` })}
        error={problem || (errors.length > 0 && <Errors errors={errors} currency={currency} />)}
      >
        {(described) => (
          <textarea
            {...described}
            ref={area}
            class="list-text"
            rows={8}
            dir="ltr"
            spellcheck={false}
            value={text}
            onInput={(event) => {
              setProblem("");
              setText(event.currentTarget.value);
            }}
          />
        )}
      </Field>
      <Field label={t("list.file")}>
        {(described) => (
          <input
            {...described}
            type="file"
            accept=".csv,.tsv,.txt,text/csv,text/plain"
            onChange={(event) => void open(event.currentTarget.files?.[0])}
          />
        )}
      </Field>
      <p class="soft" role="status">
        {payments.length > 0 &&
          t("list.good", { count: payments.length, total: formatMoney(total, currency) })}
      </p>
      <div class="actions">
        <Button look="primary" onClick={add}>
          {errors.length > 0
            ? t("list.correct", { count: errors.length })
            : payments.length === 0
              ? t("list.add_none")
              : t("list.add", { count: payments.length })}
        </Button>
        <Button onClick={onClose}>{t("action.cancel")}</Button>
      </div>
    </Dialog>
  );
}

function Errors({ errors, currency }: { errors: ListError[]; currency: string }) {
  const more = errors.length - errors_shown_at_most;
  return (
    <>
      {t("list.errors", { count: errors.length })}
      {errors.slice(0, errors_shown_at_most).map((error) => (
        <span key={error.line} class="list-error">
          {t("list.line", { line: error.line, problem: listErrorText(error, currency) })}
        </span>
      ))}
      {more > 0 && <span class="list-error">{t("list.more_errors", { count: more })}</span>}
    </>
  );
}

function listErrorText(error: ListError, currency: string): string {
  switch (error.code) {
    case "no_address":
      return t("list.no_address");
    case "invalid_address":
      return t("list.invalid_address", { text: error.text });
    case "invalid_amount":
      return t("list.invalid_amount", {
        text: error.text,
        problem: error.error === "ambiguous" ? t("list.ambiguous") : moneyErrorText(error.error, currency),
      });
    case "too_many":
      return t("list.too_many", { count: rows_at_most });
  }
}
