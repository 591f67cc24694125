import { LinkButton } from "../components/button";
import { Page } from "../components/page";
import { t } from "../i18n/text";

export function NotFound() {
  return (
    <Page title={t("not_found.title")} class="narrow">
      <p>{t("not_found.text")}</p>
      <div class="actions">
        <LinkButton href="/app" look="primary">
          {t("not_found.overview")}
        </LinkButton>
      </div>
    </Page>
  );
}
