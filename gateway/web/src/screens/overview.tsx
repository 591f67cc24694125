import { Page } from "../components/page";
import { t } from "../i18n/text";

export function Overview() {
  return <Page title={t("app.name")}>{null}</Page>;
}
