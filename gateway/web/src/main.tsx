import { render } from "preact";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/components.css";
import "./styles/shell.css";
import "./styles/choice.css";
import "./styles/table.css";
import "./styles/chart.css";
import "./styles/entries.css";
import "./styles/landing.css";
import "./styles/overview.css";
import "./styles/transactions.css";
import "./styles/transaction.css";
import "./styles/settings.css";
import "./styles/pay.css";
import "./styles/print.css";
import { cache } from "./api/cache";
import { App } from "./app";
import { interceptLinks } from "./router";

const page = document.getElementById("data");
if (page !== null) cache.seed(JSON.parse(page.textContent ?? "{}") as Record<string, unknown>);
// A sign-in that failed answers at the address of its callback, which is good for nothing once it is shown.
if (location.pathname.startsWith("/auth/")) history.replaceState(null, "", "/");
window.addEventListener("online", () => cache.invalidate(() => true));
// A page that the browser has kept may be of a session that is over.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
interceptLinks();

const root = document.getElementById("app");
if (root !== null) render(<App />, root);
