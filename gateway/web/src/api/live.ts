import { useEffect, useState } from "preact/hooks";

let live = false;
const listeners = new Set<(live: boolean) => void>();

/** Says whether events arrive: whether what one sees is as of now. */
export function setLive(now: boolean): void {
  live = now;
  for (const listener of listeners) listener(now);
}

export function useLive(): boolean {
  const [now, setNow] = useState(live);
  useEffect(() => {
    setNow(live);
    listeners.add(setNow);
    return () => {
      listeners.delete(setNow);
    };
  }, []);
  return now;
}
