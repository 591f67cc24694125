import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Account } from "../api/types";
import { Amount } from "../components/amount";
import { t } from "../i18n/text";
import { formatMoney } from "../money";
import type { Assessment } from "./assess";

// A screen reader is told once one has stopped typing.
const quiet_ms = 1_000;

/** The total of a draft and what is left, always in sight. */
export function Totals(props: { assessment: Assessment; wallet: Account; children: ComponentChildren }) {
  const { assessment, wallet } = props;
  const { total, count } = assessment;
  const { currency } = wallet;
  const left = (wallet.available ?? wallet.balance) - total;
  const money = (amount: number) => formatMoney(amount, currency);
  const sentence =
    left < 0
      ? t("pay.total_short", { total: money(total), short: money(-left) })
      : t("pay.total_spoken", { total: money(total), left: money(left) });
  const [spoken, setSpoken] = useState("");
  useEffect(() => {
    if (total === 0) return;
    const timer = setTimeout(() => setSpoken(sentence), quiet_ms);
    return () => clearTimeout(timer);
  }, [sentence]);

  return (
    <div class="card totals">
      <dl>
        <div>
          <dt class="soft small">
            {t("pay.total")}
            {count > 0 && <span class="totals-count"> · {t("pay.people_count", { count })}</span>}
          </dt>
          <dd class="totals-sum">
            <Amount amount={total} currency={currency} />
          </dd>
        </div>
        <div class={left < 0 ? "short" : ""}>
          <dt class="soft small">{left < 0 ? t("pay.missing") : t("pay.left")}</dt>
          <dd>
            <Amount amount={Math.abs(left)} currency={currency} />
            {left < 0 && (
              <a class="small" href="/app/top-up">
                {t("pay.error.top_up")}
              </a>
            )}
          </dd>
        </div>
      </dl>
      <p class="visually-hidden" role="status">
        {spoken}
      </p>
      {props.children}
    </div>
  );
}
