/** The texts of paying and topping up in English. */
export const enPay = {
  "pay.title": "Pay",
  "top_up.title": "Top up",
} as const;
