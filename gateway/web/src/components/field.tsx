import type { ComponentChildren, Ref } from "preact";
import { useId } from "preact/hooks";

export interface Described {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": true | undefined;
}

/** A labelled control with a hint and an error; children gets the attributes that tie them together. */
export function Field(props: {
  label: ComponentChildren;
  hint?: ComponentChildren;
  error?: ComponentChildren;
  class?: string;
  children: (described: Described) => ComponentChildren;
}) {
  const id = useId();
  const ids = [props.hint ? `${id}-hint` : "", props.error ? `${id}-error` : ""].filter(Boolean).join(" ");
  return (
    <div class={`field ${props.class ?? ""}`}>
      <label for={id}>{props.label}</label>
      {props.hint && (
        <p class="hint" id={`${id}-hint`}>
          {props.hint}
        </p>
      )}
      {props.children({
        id,
        "aria-describedby": ids || undefined,
        "aria-invalid": props.error ? true : undefined,
      })}
      {props.error && (
        <p class="field-error" id={`${id}-error`}>
          {props.error}
        </p>
      )}
    </div>
  );
}

export interface TextFieldProps {
  label: ComponentChildren;
  value: string;
  onInput: (value: string) => void;
  hint?: ComponentChildren;
  error?: ComponentChildren;
  type?: "text" | "search" | "email" | "date";
  name?: string;
  class?: string;
  dir?: "ltr" | "rtl" | "auto";
  inputMode?: "text" | "email" | "decimal" | "numeric" | "search";
  autoComplete?: "on" | "off" | "name" | "email";
  maxLength?: number;
  disabled?: boolean;
  inputRef?: Ref<HTMLInputElement>;
}

/** A line of text with its label. */
export function TextField({ label, hint, error, onInput, inputRef, type = "text", ...rest }: TextFieldProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(described) => (
        <input
          {...rest}
          {...described}
          type={type as "text"}
          ref={inputRef}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

/** A choice of few. */
export function SelectField<Value extends string>(props: {
  label: ComponentChildren;
  hint?: ComponentChildren;
  value: Value;
  options: { value: Value; text: string; lang?: string }[];
  onChange: (value: Value) => void;
}) {
  return (
    <Field label={props.label} hint={props.hint}>
      {(described) => (
        <select
          {...described}
          value={props.value}
          onChange={(event) => props.onChange(event.currentTarget.value as Value)}
        >
          {props.options.map(({ value, text, lang }) => (
            <option key={value} value={value} lang={lang} selected={value === props.value}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
