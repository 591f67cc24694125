import type { ButtonHTMLAttributes, ComponentChildren } from "preact";

type Look = "primary" | "secondary" | "quiet" | "danger";

/** A button. busy: it was pressed and must not be again; it stays in focus and says so. */
export function Button({
  look = "secondary",
  busy = false,
  children,
  onClick,
  ...rest
}: Omit<ButtonHTMLAttributes<HTMLButtonElement>, "onClick" | "class"> & {
  look?: Look;
  busy?: boolean;
  type?: "button" | "submit";
  disabled?: boolean;
  onClick?: (event: MouseEvent) => void;
  children: ComponentChildren;
}) {
  return (
    <button
      type="button"
      {...rest}
      class={`button ${look}`}
      aria-disabled={busy || undefined}
      aria-busy={busy || undefined}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else onClick?.(event);
      }}
    >
      {busy && <span class="spinner" aria-hidden="true" />}
      {children}
    </button>
  );
}

/** A link that looks like a button: it goes somewhere. */
export function LinkButton(props: {
  href: string;
  look?: Look;
  children: ComponentChildren;
  download?: boolean;
}) {
  return (
    <a class={`button ${props.look ?? "secondary"}`} href={props.href} download={props.download || undefined}>
      {props.children}
    </a>
  );
}
