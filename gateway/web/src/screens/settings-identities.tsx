import { useConfig, useMe } from "../api/use-resource";
import { Email } from "../components/email";
import { LinkButton } from "../components/button";
import { t } from "../i18n/text";
import { signInUrl } from "../shell";

/** How one signs in, at which addresses one can be paid, and linking one more way. */
export function Identities() {
  const { identities, link_token } = useMe();
  const { providers } = useConfig();
  const labelOf = (name: string) => providers.find((provider) => provider.name === name)?.label ?? name;
  return (
    <section class="card" aria-labelledby="identities">
      <h2 id="identities">{t("settings.identities")}</h2>
      <p class="soft">{t("settings.identities_text")}</p>
      <ul class="rows">
        {identities.map(({ provider, email, payable }, i) => (
          <li key={i}>
            <div>
              <strong>{labelOf(provider)}</strong>
              <p class="soft">{email === null ? t("settings.no_email") : <Email address={email} />}</p>
            </div>
            <span class={`badge ${payable ? "" : "neutral"}`}>
              {payable ? t("settings.payable") : t("settings.not_payable")}
            </span>
          </li>
        ))}
      </ul>
      {link_token === null ? (
        <SignInAgain />
      ) : (
        <div class="actions">
          {providers.map(({ name, label }) => (
            <LinkButton
              key={name}
              href={`/auth/login?${new URLSearchParams({ provider: name, return_to: "/app/settings", link: link_token })}`}
            >
              {t("settings.link", { provider: label })}
            </LinkButton>
          ))}
        </div>
      )}
    </section>
  );
}

/** Linking needs a sign-in of the last minutes, with a provider one has already. */
function SignInAgain() {
  const known = useMe().identities.find(({ provider }) => provider !== null);
  return (
    <>
      <p class="soft">{t("settings.link_again")}</p>
      <div class="actions">
        {known && (
          <LinkButton href={signInUrl(known.provider, "/app/settings")}>
            {t("settings.sign_in_again")}
          </LinkButton>
        )}
      </div>
    </>
  );
}
