import type { ComponentChildren, Key } from "preact";

export interface Column<Row> {
  name: string;
  heading: string;
  cell: (row: Row) => ComponentChildren;
  /** Amounts stand at the end of their column. */
  numeric?: boolean;
  /** Says which row it is. */
  rowHeading?: boolean;
  /** Cards of narrow screens show the cell without its heading. */
  plain?: boolean;
}

/** A table with a caption; under 640 px every row is a card, its cells labelled by their headings. */
export function Table<Row>(props: {
  caption: string;
  captionHidden?: boolean;
  columns: Column<Row>[];
  rows: Row[];
  rowKey: (row: Row) => Key;
  class?: string;
  busy?: boolean;
}) {
  const { columns } = props;
  // The roles keep it a table for screen readers where CSS makes blocks of the cells.
  return (
    <table class={`table ${props.class ?? ""}`} role="table" aria-busy={props.busy || undefined}>
      <caption class={props.captionHidden ? "visually-hidden" : ""}>{props.caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((column) => (
            <th
              key={column.name}
              scope="col"
              role="columnheader"
              class={`cell-${column.name} ${column.numeric ? "numeric" : ""}`}
            >
              {column.heading}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {props.rows.map((row) => (
          <tr key={props.rowKey(row)} role="row">
            {columns.map((column) => {
              const attributes = {
                class: `cell-${column.name} ${column.numeric ? "numeric" : ""}`,
                "data-label": column.plain ? undefined : column.heading,
              };
              return column.rowHeading ? (
                <th key={column.name} scope="row" role="rowheader" {...attributes}>
                  {column.cell(row)}
                </th>
              ) : (
                <td key={column.name} role="cell" {...attributes}>
                  {column.cell(row)}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
