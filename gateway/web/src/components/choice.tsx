import { useId } from "preact/hooks";

/** One of a few, all in sight: radio buttons side by side. */
export function Choice<Value extends string>(props: {
  legend: string;
  legendHidden?: boolean;
  value: Value;
  options: { value: Value; text: string }[];
  onChange: (value: Value) => void;
}) {
  const name = useId();
  return (
    <fieldset class="choice">
      <legend class={props.legendHidden ? "visually-hidden" : ""}>{props.legend}</legend>
      <div class="choice-options">
        {props.options.map(({ value, text }) => (
          <label key={value}>
            <input
              type="radio"
              name={name}
              value={value}
              checked={value === props.value}
              onChange={() => props.onChange(value)}
            />
            <span>{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
