import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { onSession, Problem, request } from "./api/client";
import { useOnline } from "./api/online";
import { useConfig } from "./api/use-resource";
import { Icon, type IconName } from "./components/icon";
import { LinkButton } from "./components/button";
import { Avatar } from "./components/person";
import { Notice } from "./components/states";
import { t } from "./i18n/text";
import { announce, useStatus } from "./status";

export const Logo = () => (
  <span class="logo">
    <Icon name="logo" />
    {t("app.name")}
  </span>
);

/** What stands around every page of the wallet; name is whose it is, once that is known. */
export function Shell(props: { path: string; name: string | undefined; children: ComponentChildren }) {
  const { path, name, children } = props;
  const status = useStatus();
  return (
    <>
      <a class="skip" href="#content">
        {t("app.skip")}
      </a>
      <header class="header">
        <div class="header-in">
          <a class="home" href="/app">
            <Logo />
          </a>
          <nav class="nav" aria-label={t("nav.label")}>
            <NavLink path={path} href="/app" icon="overview" text={t("nav.overview")} />
            <NavLink path={path} href="/app/transactions" icon="transactions" text={t("nav.transactions")} />
            <NavLink path={path} href="/app/pay" icon="pay" text={t("nav.pay")} />
            <NavLink path={path} href="/app/settings" icon="settings" text={t("nav.settings")} />
          </nav>
          <div class="header-end">
            {name !== undefined && (
              <a class="me" href="/app/settings" title={t("nav.signed_in", { name })}>
                <Avatar name={name} />
                <span class="visually-hidden">{t("nav.signed_in", { name })}</span>
                <bdi aria-hidden="true">{name}</bdi>
              </a>
            )}
            <button class="button quiet" type="button" onClick={() => void signOut()}>
              {t("nav.sign_out")}
            </button>
          </div>
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        <SessionOver />
        <WithoutNetwork />
        {children}
      </main>
      <p class={`status ${status === "" ? "" : "shown"}`} role="status">
        {status}
      </p>
    </>
  );
}

function NavLink(props: { path: string; href: string; icon: IconName; text: string }) {
  const { path, href } = props;
  const here = path === href || (href !== "/app" && path.startsWith(`${href}/`));
  return (
    <a href={href} aria-current={here ? "page" : undefined}>
      <Icon name={props.icon} />
      <span>{props.text}</span>
    </a>
  );
}

/** Ends the session here and, where the provider wants it, there. */
export async function signOut(): Promise<void> {
  let to = "/";
  try {
    to = (await request<{ redirect: string }>("/auth/logout", { method: "POST" })).body.redirect;
  } catch (failure) {
    if (!(failure instanceof Problem && failure.status === 401)) return announce(t("settings.not_ended"));
  }
  window.location.assign(to);
}

/** The address that signs in with a provider and comes back to a page of the app. */
export function signInUrl(provider: string, returnTo: string): string {
  return `/auth/login?${new URLSearchParams({ provider, return_to: returnTo })}`;
}

/** Said above the page, which stays as it is, while there is no network. */
function WithoutNetwork() {
  if (useOnline()) return null;
  return (
    <Notice tone="warning" role="status" class="no-print" title={t("state.offline")}>
      <p>{t("state.offline_page")}</p>
    </Notice>
  );
}

/** Said above the page, which stays as it is, once a request was refused for want of a session. */
function SessionOver() {
  const [over, setOver] = useState(false);
  const { providers } = useConfig();
  useEffect(() => onSession(setOver), []);
  if (!over) return null;
  const here = window.location.pathname + window.location.search;
  return (
    <Notice
      tone="warning"
      role="alert"
      class="session-over"
      title={t("session.over")}
      action={providers.map(({ name, label }) => (
        <LinkButton key={name} look="primary" href={signInUrl(name, here)}>
          {t("session.sign_in_with", { provider: label })}
        </LinkButton>
      ))}
    >
      <p>{t("session.over_text")}</p>
    </Notice>
  );
}
