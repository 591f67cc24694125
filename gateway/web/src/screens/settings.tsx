import { Page } from "../components/page";
import { t } from "../i18n/text";

export function Settings() {
  return <Page title={t("app.name")}>{null}</Page>;
}
