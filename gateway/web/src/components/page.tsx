import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { keptScroll } from "../router";
import { Icon } from "./icon";

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
  // At once: later it would take the focus from a field that is typed in already.
  useLayoutEffect(() => {
    if (pagesShown++ === 0) return;
    window.scrollTo(0, keptScroll());
    heading.current?.focus({ preventScroll: true });
  }, []);
  return heading;
}

/** A page of the wallet: where one comes from, its heading, what one can do there, and the rest. */
export function Page(props: {
  title: string;
  back?: { href: string; text: string };
  actions?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
}) {
  const heading = useHeading(props.title);
  return (
    <div class={`page ${props.class ?? ""}`}>
      {props.back && (
        <a class="back no-print" href={props.back.href}>
          <Icon name="back" />
          {props.back.text}
        </a>
      )}
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
