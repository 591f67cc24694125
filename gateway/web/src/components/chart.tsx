import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { t } from "../i18n/text";
import type { Minor } from "../money";

export interface Point {
  label: string;
  value: Minor;
}

/** A chart with its heading, what it shows in a sentence, and the numbers as a table behind it. */
export function ChartFrame(props: {
  title: string;
  summary: string;
  children: ComponentChildren;
  table: (() => ComponentChildren) | false | undefined;
}) {
  const [open, setOpen] = useState(false);
  const id = useId();
  return (
    <section class="card chart-card" aria-labelledby={id}>
      <h2 id={id}>{props.title}</h2>
      <p class="soft">{props.summary}</p>
      {props.children}
      {props.table && (
        <details onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary>{t("chart.table")}</summary>
          {open && props.table()}
        </details>
      )}
    </section>
  );
}

const height = 220;
const margin = { top: 12, bottom: 26, end: 8 };
const inner = height - margin.top - margin.bottom;
const letter = 7;
// So that nothing is no chart of cents.
const least_range = 100;

interface Axis {
  ticks: Minor[];
  y: (value: Minor) => number;
}

/** Round values from the smallest to the largest, zero among them where they are near it. */
export function axisOf(values: Minor[]): Axis {
  const low = Math.min(0, ...values);
  const high = Math.max(low + least_range, ...values);
  const rough = (high - low) / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, (([1, 2, 5, 10].find((each) => each * power >= rough) ?? 10) as number) * power);
  const first = Math.floor(low / step);
  const last = Math.ceil(high / step);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  const y = (value: Minor) => margin.top + inner * (1 - (value / step - first) / (last - first));
  return { ticks, y };
}

interface ChartProps {
  points: Point[];
  write: (value: Minor) => string;
  writeTick: (value: Minor) => string;
}

/** A balance over time. Only for the eye: the frame around it has the sentence and the table. */
export function AreaChart({ points, write, writeTick }: ChartProps) {
  const [box, width] = useWidth();
  const [at, setAt] = useState<number | null>(null);
  const axis = axisOf(points.map(({ value }) => value));
  const start = startOf(axis, writeTick);
  const slot = (width - start - margin.end) / Math.max(1, points.length);
  const x = (i: number) => start + slot * (i + 0.5);
  // In steps, each as wide as its day: a balance stays what it is until it changes.
  const line = points
    .map(({ value }, i) => {
      const top = round(axis.y(value));
      return `${i === 0 ? `M${start} ${top}` : `V${top}`}H${round(start + slot * (i + 1))}`;
    })
    .join("");
  const base = round(axis.y(Math.max(0, axis.ticks[0] ?? 0)));
  const here = at === null ? undefined : points[at];
  return (
    <div
      class="chart"
      ref={box}
      dir="ltr"
      aria-hidden="true"
      onPointerMove={(event) => {
        const left = event.currentTarget.getBoundingClientRect().left + start;
        const place = Math.floor((event.clientX - left) / slot);
        setAt(Math.max(0, Math.min(points.length - 1, place)));
      }}
      onPointerLeave={() => setAt(null)}
    >
      <svg width={width} height={height}>
        <Grid axis={axis} start={start} width={width} writeTick={writeTick} />
        {line !== "" && <path class="area" d={`${line}V${base}H${start}Z`} />}
        <path class="line" d={line} />
        {at !== null && here && (
          <g class="reading">
            <line x1={x(at)} x2={x(at)} y1={margin.top} y2={height - margin.bottom} />
            <circle cx={x(at)} cy={axis.y(here.value)} r="5" />
          </g>
        )}
        <Labels points={points} x={x} width={width} />
      </svg>
      <p class="readout">{here && `${here.label} · ${write(here.value)}`}</p>
    </div>
  );
}

/** Sums per week, a bar each. Only for the eye, as above. */
export function BarChart({ points, write, writeTick }: ChartProps) {
  const [box, width] = useWidth();
  const axis = axisOf(points.map(({ value }) => value));
  const start = startOf(axis, writeTick);
  const slot = (width - start - margin.end) / Math.max(1, points.length);
  const bar = Math.max(2, Math.min(36, slot * 0.62));
  const x = (i: number) => start + slot * (i + 0.5);
  return (
    <div class="chart" ref={box} dir="ltr" aria-hidden="true">
      <svg width={width} height={height}>
        <Grid axis={axis} start={start} width={width} writeTick={writeTick} />
        {points.map((point, i) => (
          <rect
            key={i}
            class="bar"
            x={round(x(i) - bar / 2)}
            y={round(axis.y(point.value))}
            width={round(bar)}
            height={round(axis.y(0) - axis.y(point.value))}
            rx={Math.min(4, bar / 2)}
          >
            <title>{`${point.label} · ${write(point.value)}`}</title>
          </rect>
        ))}
        <Labels points={points} x={x} width={width} />
      </svg>
    </div>
  );
}

/** Where the chart starts, beside the labels of its axis. */
const startOf = (axis: Axis, writeTick: (value: Minor) => string): number =>
  letter * (1 + Math.max(...axis.ticks.map((tick) => writeTick(tick).length)));

function Grid(props: { axis: Axis; start: number; width: number; writeTick: (value: Minor) => string }) {
  const { axis, start, width, writeTick } = props;
  return (
    <g class="grid">
      {axis.ticks.map((tick) => (
        <g key={tick}>
          <line x1={start} x2={width} y1={round(axis.y(tick))} y2={round(axis.y(tick))} />
          <text x={0} y={round(axis.y(tick)) + 4}>
            {writeTick(tick)}
          </text>
        </g>
      ))}
    </g>
  );
}

/** Names of as many points as have room. */
function Labels({ points, x, width }: { points: Point[]; x: (i: number) => number; width: number }) {
  const room = Math.max(2, Math.floor(width / 110));
  const step = Math.max(1, Math.ceil((points.length - 1) / (room - 1)));
  return (
    <g class="labels">
      {points.map((point, i) => {
        if (i % step !== 0) return null;
        const anchor = x(i) < 30 ? "start" : x(i) > width - 30 ? "end" : "middle";
        return (
          <text key={i} x={round(x(i))} y={height - 6} text-anchor={anchor}>
            {point.label}
          </text>
        );
      })}
    </g>
  );
}

/** Amounts of people, the longest bar for the largest; the numbers stand beside the bars. */
export function PartyBars(props: { points: Point[]; write: (value: Minor) => string }) {
  const most = Math.max(1, ...props.points.map(({ value }) => value));
  return (
    <ol class="party-bars">
      {props.points.map((point, i) => (
        <li key={i}>
          <span>
            <bdi>{point.label}</bdi>
          </span>
          <span class="amount">{props.write(point.value)}</span>
          <svg aria-hidden="true" width="100%" height="8">
            <rect class="track" width="100%" height="8" rx="4" />
            <rect class="bar" width={`${Math.max(1, (100 * point.value) / most)}%`} height="8" rx="4" />
          </svg>
        </li>
      ))}
    </ol>
  );
}

const round = (value: number) => Math.round(value * 10) / 10;

function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(320);
  useEffect(() => {
    if (box.current === null) return;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.max(1, entry.contentRect.width)));
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  return [box, width] as const;
}
