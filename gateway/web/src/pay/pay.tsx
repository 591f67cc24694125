import { Page } from "../components/page";
import { t } from "../i18n/text";

/** The payment at /app/pay/{paymentKey}; null at /app/pay, which chooses a key. */
export function Pay({ paymentKey }: { paymentKey: string | null }) {
  return <Page title={t("pay.title")}>{paymentKey}</Page>;
}
