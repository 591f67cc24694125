import { Page } from "../components/page";
import { t } from "../i18n/text";

export function Landing() {
  return <Page title={t("app.name")}>{null}</Page>;
}
