import { Component } from "preact";
import { useRef, useState } from "preact/hooks";
import { Field } from "../components/field";
import { Icon } from "../components/icon";
import { moneyErrorText } from "../components/money-field";
import { t } from "../i18n/text";
import { exponentOf, formatMoney } from "../money";
import type { Findings } from "./assess";
import type { Row } from "./draft";
import type { AddressBook, Recipient } from "./people";
import { RecipientField } from "./recipient-field";

export interface RowActions {
  change: (id: number, change: Partial<Omit<Row, "id">>) => void;
  pick: (id: number, recipient: Recipient) => void;
  leaveAddress: (id: number) => void;
  enter: (id: number, field: "email" | "amount") => void;
  remove: (id: number) => void;
  askAgain: (email: string) => void;
  paste: (id: number, event: ClipboardEvent) => void;
}

interface Props {
  row: Row;
  number: number;
  currency: string;
  findings: Findings | undefined;
  /** Review was pressed: what is missing is said, too. */
  tried: boolean;
  /** No more addresses are looked up today. */
  limited: boolean;
  disabled: boolean;
  book: AddressBook;
  actions: RowActions;
}

/** A recipient and an amount. It is drawn again only where something of its own has changed. */
export class PayRow extends Component<Props> {
  override shouldComponentUpdate(next: Props): boolean {
    const { findings, ...rest } = this.props;
    const { findings: nextFindings, ...nextRest } = next;
    return !isShallowEqual(rest, nextRest) || !isShallowEqual(findings ?? {}, nextFindings ?? {});
  }
  override render() {
    return <Fields {...this.props} />;
  }
}

function isShallowEqual(one: object, other: object): boolean {
  const members = Object.entries(one);
  const others = other as Record<string, unknown>;
  return (
    members.length === Object.keys(other).length && members.every(([name, value]) => others[name] === value)
  );
}

function Fields({ row, number, currency, findings, tried, limited, disabled, book, actions }: Props) {
  const [inAddress, setInAddress] = useEditing();
  const [inAmount, setInAmount] = useEditing();
  return (
    <li>
      <div class="pay-row" role="group" aria-label={t("pay.row", { number })}>
        <span class="pay-number soft small" aria-hidden="true">
          {number}
        </span>
        <Field
          class="pay-email"
          label={t("pay.email")}
          hint={addressHint(findings)}
          error={addressError(row, findings, tried, limited, inAddress, actions)}
        >
          {(described) => (
            <RecipientField
              described={described}
              row={row.id}
              value={row.email}
              disabled={disabled}
              book={book}
              onInput={(email) => actions.change(row.id, { email })}
              onPick={(recipient) => actions.pick(row.id, recipient)}
              onFocus={() => setInAddress(true)}
              onBlur={() => {
                setInAddress(false);
                actions.leaveAddress(row.id);
              }}
              onEnter={() => actions.enter(row.id, "email")}
              onPaste={(event) => actions.paste(row.id, event)}
            />
          )}
        </Field>
        <Field
          class="pay-amount"
          label={
            <>
              {t("pay.amount")} <span class="currency">{currency}</span>
            </>
          }
          error={amountError(findings, currency, tried, inAmount)}
        >
          {(described) => (
            <input
              {...described}
              type="text"
              class="money"
              name="amount"
              inputMode={exponentOf(currency) === 0 ? "numeric" : "decimal"}
              autoComplete="off"
              dir="ltr"
              data-row={row.id}
              disabled={disabled}
              value={row.amount}
              onInput={(event) => actions.change(row.id, { amount: event.currentTarget.value })}
              onFocus={() => setInAmount(true)}
              onBlur={() => setInAmount(false)}
              onPaste={(event) => actions.paste(row.id, event)}
              onKeyDown={(event) => {
                if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.isComposing) return;
                event.preventDefault();
                actions.enter(row.id, "amount");
              }}
            />
          )}
        </Field>
        <button
          type="button"
          class="button quiet pay-remove"
          aria-label={t("pay.remove", { number })}
          title={t("pay.remove", { number })}
          disabled={disabled}
          onClick={() => actions.remove(row.id)}
        >
          <Icon name="remove" />
        </button>
      </div>
    </li>
  );
}

// What is said of a field when one leaves it moves what is below, which must stay where it is until a click has ended.
const click_ms = 300;

/** Whether a field is being edited; that one has left it shows a moment later. */
function useEditing(): [boolean, (editing: boolean) => void] {
  const [editing, setEditing] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const set = (now: boolean) => {
    clearTimeout(timer.current);
    if (now) setEditing(true);
    else timer.current = setTimeout(() => setEditing(false), click_ms);
  };
  return [editing, set];
}

function addressHint(findings: Findings | undefined) {
  if (findings?.address === "repeated")
    return <span class="pay-repeated">{t("pay.repeated", { number: findings.repeats })}</span>;
  const person = findings?.person;
  if (person?.status !== "ok") return undefined;
  return (
    <span class="pay-known">
      <Icon name="check" />
      <bdi>{person.name === null ? t("pay.found") : t("pay.known_as", { name: person.name })}</bdi>
    </span>
  );
}

function addressError(
  { email }: Row,
  findings: Findings | undefined,
  tried: boolean,
  limited: boolean,
  editing: boolean,
  actions: RowActions,
) {
  switch (findings?.address) {
    case "missing":
      return tried && t("pay.error.missing");
    case "invalid":
      return !editing && t("pay.error.invalid");
    case "own":
      return t("pay.error.own");
    case "unknown":
      return (
        <>
          {t("pay.error.unknown")}{" "}
          <button type="button" class="link" onClick={() => actions.askAgain(email)}>
            {t("pay.ask_again")}
          </button>
        </>
      );
    default:
      return limited && !editing && findings?.person === null && t("pay.error.not_looked_up");
  }
}

function amountError(findings: Findings | undefined, currency: string, tried: boolean, editing: boolean) {
  const code = findings?.amount ?? "";
  if (code === "") return undefined;
  if (code === "short") return t("pay.error.short", { short: formatMoney(findings?.short ?? 0, currency) });
  if (code === "empty") return tried && moneyErrorText(code, currency);
  return (tried || !editing) && moneyErrorText(code, currency);
}
