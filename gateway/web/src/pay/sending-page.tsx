import type { State } from "../attempt/attempt";
import { useWallet } from "../api/use-resource";
import { Amount } from "../components/amount";
import { Button } from "../components/button";
import { Page } from "../components/page";
import { Notice } from "../components/states";
import { t } from "../i18n/text";
import { totalOf, type Order } from "./order";
import { Fact, OrderTable } from "./order-table";

/** A payment from sending to a definite answer: it is shown, and nothing of it can be changed. */
export function SendingPage(props: {
  state: Extract<State<Order>, { name: "sending" | "unknown" }>;
  askNow: () => void;
}) {
  const { attempt, name } = props.state;
  const { order, unanswered } = attempt;
  const { currency } = useWallet();
  const isUnknown = unanswered > 0;
  return (
    <Page class="narrow" title={isUnknown ? t("sending.unknown") : t("sending.title")}>
      <Notice
        tone={isUnknown ? "warning" : "plain"}
        role="status"
        title={isUnknown ? t("sending.asked", { count: unanswered }) : t("review.sending")}
        action={
          isUnknown && (
            <Button busy={name === "sending"} onClick={props.askNow}>
              {t("sending.ask")}
            </Button>
          )
        }
      >
        <p>{isUnknown ? t("sending.unknown_text") : t("sending.text")}</p>
      </Notice>
      <section class="card" aria-busy="true">
        <OrderTable caption={t("pay.people")} currency={currency} rows={order.payments} />
        <dl class="facts">
          {order.note !== null && (
            <Fact name={t("review.note")}>
              <bdi>{order.note}</bdi>
            </Fact>
          )}
          <Fact name={t("review.total")}>
            <strong>
              <Amount amount={totalOf(order)} currency={currency} />
            </strong>
          </Fact>
        </dl>
      </section>
    </Page>
  );
}
