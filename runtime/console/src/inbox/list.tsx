// The list on the left: mine, the queue, and what else may be looked at.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ago, span, words } from "../shared/format";
import type { QueueEntry, Summary } from "../shared/types";
import { conversationHash, desk, isLead, list, me, now, openId, summaries, unread, why, type ViewName } from "./client";
import { Mood, Priority, stage } from "./pieces";
import { dueness, listed, mine } from "./state";

function Row({ summary, entry }: { summary: Summary; entry?: QueueEntry }) {
  const news = unread.value.get(summary.id) ?? 0;
  const late = dueness(summary.due, now.value);
  const who = summary.customer ?? "Customer";
  return (
    <li>
      <a class="item" href={conversationHash(summary.id)} aria-current={openId.value === summary.id ? "true" : undefined}>
        <span class="item-head">
          <span class="item-name" dir="auto">{who}</span>
          <span class={`dim small ${late}`}>
            {entry !== undefined ? `waits ${ago(entry.since, now.value)}` : ago(summary.last_at ?? summary.opened_at, now.value)}
          </span>
        </span>
        <span class="item-text" dir="auto">
          {summary.last_from && summary.last_from !== "customer" && <span class="dim">{summary.last_from === "agent" ? "↩ " : "bot: "}</span>}
          {summary.last_text ?? ""}
        </span>
        <span class="item-marks small">
          {entry !== undefined && <span class="tag">{entry.position}.</span>}
          {news > 0 && <span class="tag news">{news} new</span>}
          <Priority priority={summary.priority ?? entry?.priority} />
          {summary.topic && <span class="tag">{words(summary.topic)}</span>}
          {entry !== undefined && <span class="tag">{words(entry.team)}</span>}
          {entry === undefined && summary.stage !== "with_agent" && <span class="tag">{stage(summary.stage)}</span>}
          {typeof summary.mood === "number" && summary.mood < -0.1 && <Mood mood={summary.mood} />}
          {late !== "" && <span class={`tag ${late}`}>{late === "late" ? "overdue" : `due in ${span((Date.parse(summary.due ?? "") - now.value) / 1000)}`}</span>}
        </span>
      </a>
    </li>
  );
}

export function SideList() {
  const view = useSignal<ViewName>("mine");
  const search = useSignal("");
  const ids = useSignal<string[]>([]);
  const cursor = useSignal<string | null>(null);
  const error = useSignal<string | null>(null);
  const loading = useSignal(false);
  const fromServer = view.value === "team" || view.value === "open" || view.value === "closed" || view.value === "all" || search.value !== "";

  async function load(more: boolean): Promise<void> {
    const asked = `${view.value}\n${search.value}`;
    loading.value = true;
    try {
      const found = await list(search.value !== "" && (view.value === "mine" || view.value === "queue") ? (isLead.value ? "all" : "team") : view.value, search.value, more ? (cursor.value ?? undefined) : undefined);
      if (asked !== `${view.value}\n${search.value}`) return;
      ids.value = more ? [...ids.value, ...found.ids.filter((id) => !ids.value.includes(id))] : found.ids;
      cursor.value = found.cursor;
      error.value = null;
    } catch (e) {
      error.value = why(e);
    } finally {
      loading.value = false;
    }
  }

  useEffect(() => {
    ids.value = [];
    cursor.value = null;
    if (!fromServer) return;
    const timer = setTimeout(() => void load(false), search.value === "" ? 0 : 250);
    return () => clearTimeout(timer);
  }, [view.value, search.value]);

  const held = mine(summaries.value, me.value?.agent.id ?? "");
  const queue = desk.value.queue;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!event.altKey || (event.code !== "ArrowDown" && event.code !== "ArrowUp")) return;
      event.preventDefault();
      const links = [...document.querySelectorAll<HTMLAnchorElement>(".list .item")];
      const at = links.findIndex((l) => l.getAttribute("aria-current") === "true");
      const next = links[(at + (event.code === "ArrowDown" ? 1 : links.length - (at === -1 ? 0 : 1)) + links.length) % Math.max(1, links.length)];
      if (next !== undefined) location.hash = next.getAttribute("href") ?? "";
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);

  const tabs: [ViewName, string, number | null][] = [
    ["mine", "Mine", held.length],
    ["queue", "Queue", queue.length],
    ["team", "Team", null],
    ...(isLead.value ? ([["open", "Open", null], ["all", "All", null]] as [ViewName, string, null][]) : []),
    ["closed", "Closed", null],
  ];
  const rows = fromServer ? listed(summaries.value, ids.value) : view.value === "mine" ? held : [];
  const empty = fromServer
    ? loading.value ? "Loading…" : "Nothing here."
    : view.value === "queue"
      ? queue.length === 0 ? "Nobody is waiting." : null
      : held.length === 0 ? "No conversation is with you." : null;
  return (
    <nav class="list" aria-label="Conversations">
      <div class="views" role="group" aria-label="Which conversations">
        {tabs.map(([name, label, count]) => (
          <button key={name} type="button" aria-pressed={view.value === name} onClick={() => { search.value = ""; view.value = name; }}>
            {label}
            {count !== null && count > 0 && <span class="count">{count}</span>}
          </button>
        ))}
      </div>
      <input
        class="search"
        type="search"
        aria-label="Search conversations"
        placeholder="Search"
        value={search.value}
        onInput={(e) => (search.value = e.currentTarget.value)}
      />
      <div class="scroll" tabIndex={-1}>
        {error.value !== null && <p class="pad error" role="alert">{error.value}</p>}
        {view.value === "queue" && !fromServer ? (
          <ol>
            {queue.map((entry) => (
              <Row key={entry.conversation.id} summary={summaries.value.get(entry.conversation.id) ?? entry.conversation} entry={entry} />
            ))}
          </ol>
        ) : (
          <ol>
            {rows.map((s) => (
              <Row key={s.id} summary={s} />
            ))}
          </ol>
        )}
        {empty !== null && (view.value === "queue" || rows.length === 0) && error.value === null && <p class="pad dim">{empty}</p>}
        {fromServer && cursor.value !== null && (
          <p class="pad">
            <button type="button" class="quiet" disabled={loading.value} onClick={() => void load(true)}>Show more</button>
          </p>
        )}
      </div>
    </nav>
  );
}
