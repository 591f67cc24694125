import type { Plural } from "../text";
import type { enPay } from "./en-pay";

/** The texts of paying and topping up in Arabic. */
export const arPay: Record<keyof typeof enPay, string | Plural> = {
  "pay.title": "الدفع",
  "top_up.title": "شحن الرصيد",
};
