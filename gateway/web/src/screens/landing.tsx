import { cache } from "../api/cache";
import type { Me, ProblemDocument } from "../api/types";
import { useConfig, useResource } from "../api/use-resource";
import { LinkButton } from "../components/button";
import { Icon, type IconName } from "../components/icon";
import { useHeading } from "../components/page";
import { Notice } from "../components/states";
import { applyProfile } from "../i18n/apply-profile";
import { signInProblemText } from "../i18n/sign-in-problem-text";
import { t } from "../i18n/text";
import { useLocation } from "../router";
import { Logo, signInUrl } from "../shell";
import { ProductPicture } from "./product-picture";

export function Landing() {
  applyProfile(cache.get<Me>("/v1/me").data);
  const heading = useHeading(t("landing.title"));
  const session = useResource<{ signed_in: boolean }>("/auth/session");
  const wanted = useReturnTo();
  const signedIn = session.data?.signed_in === true;
  return (
    <>
      <header class="header">
        <div class="header-in">
          <Logo />
          <div class="header-end">
            {signedIn && <LinkButton href={wanted ?? "/app"}>{t("landing.open")}</LinkButton>}
          </div>
        </div>
      </header>
      <main id="content" class="landing">
        <section class="hero">
          <div class="hero-text">
            <SignInProblem />
            {wanted !== null && !signedIn && <Notice title={t("landing.sign_in_first")} />}
            <h1 ref={heading} tabIndex={-1}>
              {t("landing.title")}
            </h1>
            <p class="lead">{t("landing.lead")}</p>
            {signedIn ? (
              <div class="actions">
                <LinkButton href={wanted ?? "/app"} look="primary">
                  {t("landing.open")}
                </LinkButton>
              </div>
            ) : (
              <SignIn returnTo={wanted ?? "/app"} />
            )}
          </div>
          <ProductPicture />
        </section>
        <section class="reasons" aria-label={t("landing.reasons")}>
          <Reason icon="people" title={t("landing.many")} text={t("landing.many_text")} />
          <Reason icon="check" title={t("landing.once")} text={t("landing.once_text")} />
          <Reason icon="shield" title={t("landing.exact")} text={t("landing.exact_text")} />
        </section>
      </main>
    </>
  );
}

/** Where one wanted to go before signing in: a page of the app, or null. */
function useReturnTo(): string | null {
  const wanted = useLocation().query.get("return_to") ?? "";
  return /^\/app(?:[/?]|$)/.test(wanted) && !/\.\.|%2e|\\/i.test(wanted) ? wanted : null;
}

function SignIn({ returnTo }: { returnTo: string }) {
  const { providers } = useConfig();
  if (providers.length === 0) return <Notice title={t("landing.no_provider")} />;
  return (
    <div class="sign-in">
      <div class="actions">
        {providers.map(({ name, label }, i) => (
          <LinkButton key={name} href={signInUrl(name, returnTo)} look={i === 0 ? "primary" : "secondary"}>
            {t("session.sign_in_with", { provider: label })}
          </LinkButton>
        ))}
      </div>
      <p class="soft small">{t("landing.no_password")}</p>
    </div>
  );
}

/** Why signing in failed; comes with the page. */
function SignInProblem() {
  const { data } = cache.get<Pick<ProblemDocument, "code" | "detail">>("/auth/error");
  if (data === undefined) return null;
  if (data.code === "sign_in_cancelled")
    return (
      <Notice role="status" title={t("sign_in.cancelled")}>
        <p>{t("sign_in.cancelled_text")}</p>
      </Notice>
    );
  return (
    <Notice tone="error" role="alert" title={t("sign_in.failed")}>
      <p>{signInProblemText(data.code)}</p>
    </Notice>
  );
}

function Reason(props: { icon: IconName; title: string; text: string }) {
  return (
    <div class="reason">
      <Icon name={props.icon} />
      <h2>{props.title}</h2>
      <p class="soft">{props.text}</p>
    </div>
  );
}
