import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

let pagesShown = 0;

/**
 * Names the window after a page, and gives its heading the focus when one comes from another page, so that a
 * screen reader says where one is.
 */
export function useHeading(title: string): RefObject<HTMLHeadingElement | null> {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · TokPay`;
  }, [title]);
  useEffect(() => {
    if (pagesShown++ === 0) return;
    window.scrollTo(0, 0);
    heading.current?.focus({ preventScroll: true });
  }, []);
  return heading;
}

/** A page of the wallet: its heading, what one can do there, and the rest. */
export function Page(props: {
  title: string;
  actions?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
}) {
  const heading = useHeading(props.title);
  return (
    <div class={`page ${props.class ?? ""}`}>
      <div class="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {props.title}
        </h1>
        {props.actions && <div class="actions">{props.actions}</div>}
      </div>
      {props.children}
    </div>
  );
}
