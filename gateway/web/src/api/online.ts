import { useEffect, useState } from "preact/hooks";

const isOnline = () => navigator.onLine;

/** Whether the browser has a network, as far as it knows. */
export function useOnline(): boolean {
  const [online, setOnline] = useState(isOnline);
  useEffect(() => {
    const look = () => setOnline(isOnline());
    look();
    window.addEventListener("online", look);
    window.addEventListener("offline", look);
    return () => {
      window.removeEventListener("online", look);
      window.removeEventListener("offline", look);
    };
  }, []);
  return online;
}
