import type { Texts } from "../text";
import { arPay } from "./ar-pay";

/** Every text of the app in Arabic. */
export const ar: Texts = {
  "app.name": "TokPay",
  "app.skip": "انتقل إلى المحتوى",
  "app.account_menu": "الحساب",
  "app.failed": "تعذّر عرض الصفحة",
  "app.failed_text": "حدث خطأ في هذه الصفحة. لم تضِع أي دفعة ولم تتكرر بسببه. أعد تحميلها.",
  "app.reload": "إعادة التحميل",

  "nav.label": "الرئيسية",
  "nav.overview": "نظرة عامة",
  "nav.pay": "ادفع",
  "nav.top_up": "اشحن",
  "nav.transactions": "المعاملات",
  "nav.settings": "الإعدادات",
  "nav.sign_out": "تسجيل الخروج",

  "session.over": "انتهت جلستك",
  "session.over_text": "تم تسجيل خروجك. ما أدخلته ما زال هنا؛ سجّل الدخول من جديد للمتابعة.",
  "session.sign_in": "سجّل الدخول من جديد",
  "session.sign_in_with": "تسجيل الدخول عبر {provider}",

  "state.loading": "جارٍ التحميل…",
  "state.error": "تعذّر التحميل",
  "state.offline": "أنت غير متصل",
  "state.offline_text": "لم يصل رد من TokPay. تحقق من اتصالك؛ قد يكون ما تراه قديماً.",
  "state.retry": "أعد المحاولة",
  "state.saving": "جارٍ الحفظ…",
  "state.saved": "تم الحفظ",

  "amount.in": "وارد",
  "amount.out": "صادر",

  "money.empty": "أدخل مبلغاً.",
  "money.not_a_number": "أدخل مبلغاً مثل {example}.",
  "money.negative": "أدخل مبلغاً أكبر من الصفر.",
  "money.too_many_decimals": {
    one: "لعملة {currency} خانة عشرية واحدة.",
    two: "لعملة {currency} خانتان عشريتان.",
    few: "لعملة {currency} {count} خانات عشرية.",
    other: "لعملة {currency} {count} خانة عشرية.",
  },
  "money.no_decimals": "ليس لعملة {currency} خانات عشرية.",
  "money.too_large": "هذا أكثر مما تتسع له المحفظة.",

  "problem.unauthenticated": "انتهت جلستك. سجّل الدخول من جديد.",
  "problem.forbidden": "لا يحق لك القيام بهذا.",
  "problem.csrf": "لم يأتِ الطلب من هذه الصفحة. أعد تحميلها.",
  "problem.not_found": "لا يوجد هنا ما يحق لك رؤيته.",
  "problem.account_not_found": "هذا الحساب غير موجود.",
  "problem.insufficient_funds": "لا يوجد مال كافٍ في محفظتك.",
  "problem.account_frozen": "هذا الحساب مجمّد.",
  "problem.account_closed": "هذا الحساب مغلق.",
  "problem.limit_exceeded": "هذا أعلى من الحد المسموح.",
  "problem.balance_limit": "لا تتسع المحفظة لهذا المبلغ.",
  "problem.key_reused": "استُخدم هذا من قبل لدفعة أخرى.",
  "problem.rate_limited": "طلبات كثيرة جداً. انتظر قليلاً ثم أعد المحاولة.",
  "problem.busy": "‏TokPay مشغول. لم يتغير شيء؛ أعد المحاولة بعد لحظات.",
  "problem.outcome_unknown": "لا نعرف بعد هل تم هذا أم لا.",
  "problem.already_reversed": "تم استرجاع هذا التحويل من قبل.",
  "problem.unexplained": "حدث خطأ من جهتنا.",

  ...arPay,
};
