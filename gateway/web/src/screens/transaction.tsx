import { Page } from "../components/page";
import { t } from "../i18n/text";

export function Transaction({ id }: { id: string }) {
  return <Page title={t("app.name")}>{id}</Page>;
}
