import { useEffect, useId, useState } from "preact/hooks";
import { useResource } from "../api/use-resource";
import { Email } from "../components/email";
import type { Described } from "../components/field";
import { Avatar } from "../components/person";
import { t } from "../i18n/text";
import { matching, recipientsUrl, type AddressBook, type Recipient } from "./people";

interface Props {
  described: Described;
  row: number;
  value: string;
  disabled: boolean;
  book: AddressBook;
  onInput: (text: string) => void;
  onPick: (recipient: Recipient) => void;
  onFocus: () => void;
  onBlur: () => void;
  onEnter: () => void;
  onPaste: (event: ClipboardEvent) => void;
}

/** An address, with people paid before to choose from: an ARIA combobox with a list of suggestions. */
export function RecipientField(props: Props) {
  const { value, book } = props;
  const list = useId();
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const found = useSuggestions(value, open);
  useEffect(() => book.learnRecipients(found), [found.map(({ email }) => email).join()]);
  const isAnswer = found.length === 1 && found[0]?.email === value.trim().toLowerCase();
  const shown = open && !isAnswer ? found.slice(0, shown_at_most) : [];
  const chosen = shown[active];

  const close = () => {
    setOpen(false);
    setActive(-1);
  };
  const pick = (recipient: Recipient) => {
    book.learnRecipients([recipient]);
    close();
    props.onPick(recipient);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setOpen(true);
      const count = shown.length + 1;
      const step = event.key === "ArrowDown" ? 1 : -1;
      setActive(((active + 1 + step + count) % count) - 1);
    } else if (event.key === "Escape" && shown.length > 0) {
      event.preventDefault();
      close();
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      if (chosen !== undefined) pick(chosen);
      else props.onEnter();
    }
  };

  return (
    <div class="combobox">
      <input
        {...props.described}
        type="text"
        inputMode="email"
        autoComplete="off"
        autoCapitalize="none"
        spellcheck={false}
        dir="auto"
        name="email"
        data-row={props.row}
        disabled={props.disabled}
        value={value}
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={shown.length > 0}
        aria-controls={list}
        aria-activedescendant={chosen === undefined ? undefined : `${list}-${active}`}
        onInput={(event) => {
          setOpen(true);
          setActive(-1);
          props.onInput(event.currentTarget.value);
        }}
        onFocus={() => {
          setOpen(true);
          props.onFocus();
        }}
        onBlur={() => {
          close();
          props.onBlur();
        }}
        onKeyDown={onKeyDown}
        onPaste={props.onPaste}
      />
      <ul id={list} role="listbox" aria-label={t("pay.suggestions")} hidden={shown.length === 0}>
        {shown.map((recipient, index) => (
          <li
            key={recipient.email}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === active}
            // The field keeps the focus: losing it would close the list before the click.
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => pick(recipient)}
          >
            <Avatar name={recipient.display_name} />
            <span>
              <bdi>{recipient.display_name}</bdi>
              <span class="soft small">
                <Email address={recipient.email} />
              </span>
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

const shown_at_most = 6;
// As many as an answer holds: with fewer it holds everybody.
const answer_at_most = 20;
const q_at_most = 60;
const pause_ms = 150;
const nobody: Recipient[] = [];

function useSuggestions(text: string, open: boolean): Recipient[] {
  const everybody = useResource<{ data: Recipient[] }>(open ? recipientsUrl("") : null).data?.data ?? nobody;
  const q = usePaused(text.trim().slice(0, q_at_most));
  const mustAsk = open && everybody.length >= answer_at_most && q !== "";
  const asked = useResource<{ data: Recipient[] }>(mustAsk ? recipientsUrl(q) : null).data?.data;
  return open ? matching(asked ?? everybody, text) : nobody;
}

function usePaused(text: string): string {
  const [paused, setPaused] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setPaused(text), pause_ms);
    return () => clearTimeout(timer);
  }, [text]);
  return paused;
}
