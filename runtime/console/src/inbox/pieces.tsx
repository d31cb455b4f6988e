// Small pieces of the inbox.

import { place, value, words } from "../shared/format";
import type { Position, Read } from "../shared/types";
import { sparkline } from "./state";

export function Place({ at }: { at: Position | null | undefined }) {
  return at == null ? null : <code class="place" title={`line ${at.line}, column ${at.column}`}>{place(at)}</code>;
}

/** The values that a condition read. */
export function Reads({ reads }: { reads: Read[] | null | undefined }) {
  if (reads == null || reads.length === 0) return null;
  return (
    <dl class="reads">
      {reads.map((read, i) => (
        <div key={i}>
          <dt>{read.name}</dt>
          <dd>{value(read.value)}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Priority({ priority }: { priority: string | null | undefined }) {
  if (!priority || priority === "standard") return null;
  return <span class={`tag priority ${priority}`}>{priority}</span>;
}

/** The mood in a word with a mark that needs no colour. */
export function Mood({ mood, word }: { mood: number; word?: string }) {
  const name = word ?? (mood < -0.4 ? "angry" : mood < -0.1 ? "unhappy" : mood > 0.25 ? "happy" : "neutral");
  const mouth = mood < -0.1 ? "M8 16c1.2-2 6.8-2 8 0" : mood > 0.25 ? "M8 14.5c1.2 2 6.8 2 8 0" : "M8.5 15.2h7";
  return (
    <span class={`mood ${mood < -0.1 ? "low" : ""}`}>
      <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true" focusable="false" class="icon">
        <circle cx="12" cy="12" r="8.5" fill="none" stroke="currentColor" stroke-width="1.6" />
        <path d={`M9 9.5v1M15 9.5v1${mouth}`} fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" />
      </svg>
      {name}
    </span>
  );
}

export function Spark({ points }: { points: readonly (readonly [string, number])[] }) {
  if (points.length < 2) return null;
  const values = points.map(([, v]) => v);
  const first = values[0] ?? 0;
  const last = values.at(-1) ?? 0;
  const line = sparkline(values, 116, 26);
  const [x = "0", y = "0"] = line.split(" ").at(-1)?.split(",") ?? [];
  return (
    <svg class="spark" viewBox="-3 -3 122 32" width="122" height="32" role="img" aria-label={`sentiment over ${values.length} messages, from ${Math.round(first * 100)}% to ${Math.round(last * 100)}%`}>
      <line x1="0" y1="13" x2="116" y2="13" class="zero" />
      <polyline points={line} fill="none" stroke="currentColor" stroke-width="1.6" stroke-linejoin="round" />
      <circle cx={x} cy={y} r="2.6" fill="currentColor" />
    </svg>
  );
}

export const STAGES: Record<string, string> = {
  scripted: "with the bot",
  model: "with the assistant",
  handoff_pending: "choosing how to wait",
  queued: "waiting",
  offered: "offered",
  reviewing: "being read",
  with_agent: "with an agent",
  wrap_up: "wrapping up",
  closed: "closed",
};

export function stage(name: string): string {
  return STAGES[name] ?? words(name);
}
