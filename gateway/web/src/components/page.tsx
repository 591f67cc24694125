import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

let pagesShown = 0;

/**
 * A page: its heading, which becomes the title of the window and takes the focus when one comes from another page,
 * so that a screen reader says where one is.
 */
export function Page(props: {
  title: string;
  heading?: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${props.title} · TokPay`;
  }, [props.title]);
  useEffect(() => {
    if (pagesShown++ === 0) return;
    window.scrollTo(0, 0);
    heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <div class={`page ${props.class ?? ""}`}>
      <div class="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {props.heading ?? props.title}
        </h1>
        {props.actions && <div class="actions">{props.actions}</div>}
      </div>
      {props.children}
    </div>
  );
}
