import { useEffect, useState } from "preact/hooks";

let tell: (message: string) => void = () => {};

/** Says something short in the status region of the page, for the eye and for screen readers. */
export function announce(message: string): void {
  tell(message);
}

const shown_ms = 6_000;

/** The message of the moment, "" for none. */
export function useStatus(): string {
  const [message, setMessage] = useState("");
  useEffect(() => {
    tell = setMessage;
  }, []);
  useEffect(() => {
    if (message === "") return;
    const timer = setTimeout(() => setMessage(""), shown_ms);
    return () => clearTimeout(timer);
  }, [message]);
  return message;
}
