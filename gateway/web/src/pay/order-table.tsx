import type { ComponentChildren } from "preact";
import { Amount } from "../components/amount";
import { Email } from "../components/email";
import { Avatar } from "../components/person";
import { Table } from "../components/table";
import { t } from "../i18n/text";
import type { Minor } from "../money";

export interface OrderRow {
  name: string | null;
  email: string | null;
  amount: Minor;
  /** What is to be said about it. */
  remark?: ComponentChildren;
}

/** Who gets how much. */
export function OrderTable(props: { caption: string; rows: OrderRow[]; currency: string }) {
  return (
    <Table
      class="order"
      caption={props.caption}
      captionHidden
      rows={props.rows.map((row, number) => ({ ...row, number }))}
      rowKey={({ number }) => number}
      columns={[
        {
          name: "who",
          heading: t("review.who"),
          rowHeading: true,
          plain: true,
          cell: ({ name, email, remark }) => (
            <span class="who">
              <Avatar name={name ?? email} />
              <span class="who-text">
                {name === null ? <Email address={email ?? ""} /> : <bdi>{name}</bdi>}
                {name !== null && email !== null && (
                  <span class="soft small">
                    <Email address={email} />
                  </span>
                )}
                {remark}
              </span>
            </span>
          ),
        },
        {
          name: "amount",
          heading: t("pay.amount"),
          numeric: true,
          plain: true,
          cell: ({ amount }) => <Amount amount={amount} currency={props.currency} />,
        },
      ]}
    />
  );
}

/** A name and what it stands for, in a list of facts. */
export function Fact(props: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt class="soft">{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}
