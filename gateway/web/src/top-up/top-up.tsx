import { Page } from "../components/page";
import { t } from "../i18n/text";

export function TopUp() {
  return <Page title={t("top_up.title")}>{null}</Page>;
}
