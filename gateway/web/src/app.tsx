import type { ComponentChildren } from "preact";
import { useEffect, useErrorBoundary } from "preact/hooks";
import { watchAccount } from "./api/events";
import type { Me } from "./api/types";
import { useConfig, useResource } from "./api/use-resource";
import { Button } from "./components/button";
import { Page } from "./components/page";
import { FailedNotice, Notice, Skeleton } from "./components/states";
import { applyProfile } from "./i18n/apply-profile";
import { t } from "./i18n/text";
import { setCurrencies } from "./money";
import { Pay } from "./pay/pay";
import { match, useLocation } from "./router";
import { Landing } from "./screens/landing";
import { NotFound } from "./screens/not-found";
import { Overview } from "./screens/overview";
import { Settings } from "./screens/settings";
import { Transaction } from "./screens/transaction";
import { Transactions } from "./screens/transactions";
import { Shell } from "./shell";
import { TopUp } from "./top-up/top-up";

export function App() {
  const { path } = useLocation();
  setCurrencies(useConfig().currencies);
  return path === "/app" || path.startsWith("/app/") ? <Wallet path={path} /> : <Landing />;
}

function Wallet({ path }: { path: string }) {
  const me = useResource<Me>("/v1/me");
  applyProfile(me.data);
  const wallet = me.data?.accounts[0]?.id;
  useEffect(() => (wallet === undefined ? undefined : watchAccount(wallet)), [wallet]);
  return (
    <Shell path={path} name={me.data?.display_name}>
      {wallet === undefined ? (
        <Page title={t("app.wallet")}>
          <FailedNotice resource={me} />
          {me.loading && <Skeleton />}
        </Page>
      ) : (
        <Boundary key={path}>{screen(path)}</Boundary>
      )}
    </Shell>
  );
}

function screen(path: string): ComponentChildren {
  if (match("/app", path)) return <Overview />;
  if (match("/app/pay", path)) return <Pay paymentKey={null} />;
  const payment = match("/app/pay/:key", path);
  if (payment?.["key"]) return <Pay key={payment["key"]} paymentKey={payment["key"]} />;
  if (match("/app/top-up", path)) return <TopUp />;
  if (match("/app/transactions", path)) return <Transactions />;
  const transfer = match("/app/transactions/:id", path);
  if (transfer?.["id"]) return <Transaction key={transfer["id"]} id={transfer["id"]} />;
  if (match("/app/settings", path)) return <Settings />;
  return <NotFound />;
}

/** Shows words in place of a page that throws. */
function Boundary({ children }: { children: ComponentChildren }) {
  const [error] = useErrorBoundary((thrown) => console.error(thrown));
  if (error === undefined) return <>{children}</>;
  return (
    <Notice
      tone="error"
      role="alert"
      title={t("app.failed")}
      action={<Button onClick={() => window.location.reload()}>{t("app.reload")}</Button>}
    >
      <p>{t("app.failed_text")}</p>
    </Notice>
  );
}
