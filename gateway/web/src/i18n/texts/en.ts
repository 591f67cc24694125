import { enPay } from "./en-pay";

/** Every text of the app in English. {names} are filled in; where there is a {count}, the plural decides. */
export const en = {
  "app.name": "TokPay",
  "app.skip": "Skip to content",
  "app.account_menu": "Account",
  "app.failed": "The page has failed",
  "app.failed_text":
    "Something went wrong in this page. No payment is lost or made twice by that. Load it again.",
  "app.reload": "Load again",

  "nav.label": "Main",
  "nav.overview": "Overview",
  "nav.pay": "Pay",
  "nav.top_up": "Top up",
  "nav.transactions": "Transactions",
  "nav.settings": "Settings",
  "nav.sign_out": "Sign out",

  "session.over": "Your session is over",
  "session.over_text": "You have been signed out. What you entered is still here; sign in again to go on.",
  "session.sign_in": "Sign in again",
  "session.sign_in_with": "Sign in with {provider}",

  "state.loading": "Loading…",
  "state.error": "This could not be loaded",
  "state.offline": "You are offline",
  "state.offline_text": "No answer came from TokPay. Check your connection; what you see may be old.",
  "state.retry": "Try again",
  "state.saving": "Saving…",
  "state.saved": "Saved",

  "amount.in": "received",
  "amount.out": "sent",

  "money.empty": "Enter an amount.",
  "money.not_a_number": "Enter an amount like {example}.",
  "money.negative": "Enter an amount above zero.",
  "money.too_many_decimals": {
    one: "{currency} has {count} decimal.",
    other: "{currency} has {count} decimals.",
  },
  "money.no_decimals": "{currency} has no decimals.",
  "money.too_large": "This is more than a wallet can hold.",

  "problem.unauthenticated": "Your session is over. Sign in again.",
  "problem.forbidden": "You may not do this.",
  "problem.csrf": "The request did not come from this page. Load the page again.",
  "problem.not_found": "There is nothing here that you may see.",
  "problem.account_not_found": "This account does not exist.",
  "problem.insufficient_funds": "There is not enough money in your wallet.",
  "problem.account_frozen": "This account is frozen.",
  "problem.account_closed": "This account is closed.",
  "problem.limit_exceeded": "This is above the limit.",
  "problem.balance_limit": "The wallet cannot hold that much.",
  "problem.key_reused": "This was already used for another payment.",
  "problem.rate_limited": "Too many requests. Wait a little and try again.",
  "problem.busy": "TokPay is busy. Nothing was changed; try again in a moment.",
  "problem.outcome_unknown": "We do not know yet whether this went through.",
  "problem.already_reversed": "This transfer has been taken back already.",
  "problem.unexplained": "Something went wrong on our side.",

  ...enPay,
} as const;
