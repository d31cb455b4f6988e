// Why everything happened: the log of the turns with rules, values, rows and places in the source.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { clock, percent, words } from "../shared/format";
import type { LogEntry } from "../shared/types";
import { loadLog, why } from "./client";
import { Place, Reads } from "./pieces";

const LANGUAGE = navigator.language;

function heading(entry: LogEntry): string {
  const event = entry.event;
  const text = event["text"];
  if (typeof text === "string") return `${words(event.event)}: “${text.length > 90 ? `${text.slice(0, 90)}…` : text}”`;
  return words(event.event);
}

function Turn({ entry, open }: { entry: LogEntry; open: boolean }) {
  const d = entry.decision;
  const fired = (d.rules ?? []).filter((r) => r.fired);
  const quiet = (d.rules ?? []).filter((r) => !r.fired);
  return (
    <li>
      <details open={open}>
        <summary>
          <span class="seq">{entry.seq}</span>
          <span dir="auto">{heading(entry)}</span>
          <time class="dim" dateTime={entry.event.at}>{clock(entry.event.at, LANGUAGE)}</time>
        </summary>
        <div class="turn">
          {(d.taken_by || typeof d.confidence === "number") && (
            <p>
              {d.taken_by && <>Taken by <strong>{words(d.taken_by)}</strong></>}
              {typeof d.confidence === "number" && <> · confidence {percent(d.confidence)}</>}
              {d.band && <> · band <Place at={d.band} /></>}
            </p>
          )}
          {d.escalation && (
            <p class="escalation">
              Escalated {d.escalation.from} → <strong>{d.escalation.to}</strong>, {d.escalation.priority}
              {d.escalation.rule && <> by <strong>{words(d.escalation.rule)}</strong></>} <Place at={d.escalation.at} />
              {(d.escalation.reasons ?? []).map((reason, i) => <span key={i} class="small" dir="auto"><br />{reason}</span>)}
            </p>
          )}
          {fired.map((rule, i) => (
            <div key={i} class="rule">
              <p>
                Rule <strong>{words(rule.rule)}</strong> held{rule.held_back && <>, yet did not act: {rule.held_back}</>} <Place at={rule.at} />
              </p>
              <Reads reads={rule.reads} />
            </div>
          ))}
          {d.row && (
            <div class="rule">
              <p>
                Row <strong>{d.row.row}</strong> → {words(d.row.team)}, {d.row.priority} <Place at={d.row.at} />
              </p>
              <Reads reads={d.row.reads} />
            </div>
          )}
          {(d.steps ?? []).length > 0 && (
            <ol class="steps">
              {d.steps?.map((step, i) => (
                <li key={i}>
                  <span>{step.what}</span> {step.node && <span class="dim">in {step.node}</span>} <Place at={step.at} />
                </li>
              ))}
            </ol>
          )}
          {(d.hooks ?? []).map((hook, i) => (
            <p key={i} class="small">
              Hook <strong>{hook.hook}</strong>: <code>{JSON.stringify(hook.result)}</code>
            </p>
          ))}
          {(d.remarks ?? []).map((remark, i) => <p key={i} class="small remark" dir="auto">{remark}</p>)}
          {quiet.length > 0 && (
            <details class="quiet-rules">
              <summary>{quiet.length} {quiet.length === 1 ? "rule" : "rules"} looked at, did not hold</summary>
              {quiet.map((rule, i) => (
                <div key={i} class="rule">
                  <p>{words(rule.rule)} <Place at={rule.at} /></p>
                  <Reads reads={rule.reads} />
                </div>
              ))}
            </details>
          )}
          {(entry.effects ?? []).length > 0 && (
            <p class="small dim">Then: {entry.effects.map((e) => words(e.effect)).join(", ")} · version <code>{entry.version.slice(0, 8)}</code></p>
          )}
        </div>
      </details>
    </li>
  );
}

/** Whether a turn decided something that people ask about. */
function notable(entry: LogEntry): boolean {
  const d = entry.decision;
  return d.escalation !== undefined || d.row !== undefined || (d.rules ?? []).some((r) => r.fired);
}

export function Why({ conversation, seq }: { conversation: string; seq: number }) {
  const log = useSignal<LogEntry[] | null>(null);
  const error = useSignal<string | null>(null);
  useEffect(() => {
    let current = true;
    loadLog(conversation).then(
      (entries) => {
        if (current) log.value = entries;
      },
      (e: unknown) => {
        if (current) error.value = why(e);
      },
    );
    return () => {
      current = false;
    };
  }, [conversation, seq]);
  if (error.value !== null) return <p class="pad error" role="alert">{error.value}</p>;
  if (log.value === null) return <p class="pad dots">Loading</p>;
  return (
    <ol class="why">
      {log.value.map((entry) => (
        <Turn key={entry.seq} entry={entry} open={notable(entry)} />
      ))}
    </ol>
  );
}
