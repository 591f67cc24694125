import { Page } from "../components/page";
import { t } from "../i18n/text";

export function Transactions() {
  return <Page title={t("app.name")}>{null}</Page>;
}
