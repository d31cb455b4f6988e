// One conversation: what was said, the card, why; and what may be done.

import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Detail } from "../shared/types";
import { Icon } from "../shared/ui";
import { CardView } from "./card";
import { accept, command, decline, discard, drafts, go, now, offers, openError, opened, openId, reopen, typing, write } from "./client";
import { Composer } from "./composer";
import { Question, type Asking } from "./dialogs";
import { Mood, Priority, stage } from "./pieces";
import { secondsLeft } from "./state";
import { Transcript } from "./transcript";
import { Why } from "./why";

type Pane = "chat" | "card" | "why";

function Actions({ detail, onAsk }: { detail: Detail; onAsk: (asking: Asking) => void }) {
  const id = detail.conversation.id;
  const may = detail.may ?? [];
  const offer = detail.offer ?? offers.value.find((o) => o.conversation.id === id) ?? null;
  return (
    <div class="actions">
      {offer !== null && may.includes("accept") && (
        <>
          <button type="button" class="primary" onClick={() => void accept({ reservation: offer.reservation, id })}>
            Accept <span class="count" aria-hidden="true">{secondsLeft(offer.expires_at, now.value)}</span>
          </button>
          <button type="button" class="quiet" onClick={() => void decline({ reservation: offer.reservation, id })}>Decline</button>
        </>
      )}
      {may.includes("take") && !(offer !== null && may.includes("accept")) && (
        <button type="button" class="primary" onClick={() => void command(id, "take")}>Take it</button>
      )}
      {may.includes("transfer") && <button type="button" class="quiet" onClick={() => onAsk("transfer")}>Transfer</button>}
      {may.includes("return") && <button type="button" class="quiet" onClick={() => onAsk("return")}>To the bot</button>}
      {may.includes("resolve") && (
        <button type="button" class="primary" onClick={() => onAsk("resolve")} title="Alt+R">Resolve</button>
      )}
    </div>
  );
}

export function ConversationView() {
  const id = openId.value;
  const pane = useSignal<Pane>("chat");
  const asking = useSignal<Asking | null>(null);
  const insert = useSignal<{ text: string; n: number } | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const stick = useRef(true);
  const height = useRef(0);
  const title = useRef<HTMLHeadingElement>(null);
  const detail = opened.value?.detail ?? null;

  useEffect(() => {
    pane.value = "chat";
    asking.value = null;
    insert.value = null;
    stick.current = true;
  }, [id]);
  useEffect(() => {
    if (detail !== null && detail.conversation.id === id) title.current?.focus({ preventScroll: true });
  }, [detail?.conversation.id]);
  useLayoutEffect(() => {
    const box = scroller.current;
    if (box !== null && stick.current) box.scrollTop = box.scrollHeight;
  }, [detail?.messages, drafts.value, pane.value]);
  // Who reads the end goes on reading it when an offer or the composer takes room.
  useEffect(() => {
    const box = scroller.current;
    if (box === null) return;
    const watch = new ResizeObserver(() => {
      if (stick.current) box.scrollTop = box.scrollHeight;
    });
    watch.observe(box);
    return () => watch.disconnect();
  }, [detail?.conversation.id, pane.value]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.code === "KeyR" && opened.value?.detail.may.includes("resolve")) {
        event.preventDefault();
        asking.value = "resolve";
      } else if (event.code === "KeyW") {
        event.preventDefault();
        pane.value = pane.value === "why" ? "chat" : "why";
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);

  if (id === null) return null;
  if (detail === null) {
    return (
      <section class="conversation empty">
        {openError.value === null ? (
          <p class="dots">Loading</p>
        ) : (
          <div role="alert">
            <p class="error">{openError.value}</p>
            <button type="button" class="quiet" onClick={() => void reopen()}>Try again</button>
          </div>
        )}
      </section>
    );
  }
  const summary = detail.conversation;
  const customer = summary.customer ?? "Customer";
  const own = drafts.value.filter((d) => d.conversation === id);
  const isTyping = (typing.value.get(id) ?? 0) > now.value;
  const use = (text: string) => {
    insert.value = { text, n: (insert.value?.n ?? 0) + 1 };
    pane.value = "chat";
  };
  const canWrite = (detail.may ?? []).includes("message");
  return (
    <section class={`conversation pane-${pane.value}`} aria-labelledby="conversation-title">
      <header class="conversation-head">
        <button type="button" class="round back" aria-label="Back to the list" onClick={() => go("")}>
          <Icon name="back" />
        </button>
        <div class="grow">
          <h2 id="conversation-title" ref={title} tabIndex={-1} dir="auto">{customer}</h2>
          <p class="dim small sub">
            <span>{stage(summary.stage)}{summary.agent && ` · ${summary.agent.name}`}</span>
            {typeof summary.mood === "number" && <Mood mood={summary.mood} />}
            <Priority priority={summary.priority} />
          </p>
        </div>
        <Actions detail={detail} onAsk={(a) => (asking.value = a)} />
      </header>
      <div class="panes" role="tablist" aria-label="Conversation">
        {(["chat", "card", "why"] as const).map((name) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`tab-${name}`}
            aria-selected={pane.value === name}
            aria-controls={`pane-${name}`}
            tabIndex={pane.value === name ? 0 : -1}
            class={`tab-${name}`}
            onClick={() => (pane.value = name)}
            onKeyDown={(e) => {
              const all: Pane[] = ["chat", "card", "why"];
              const step = e.key === "ArrowRight" ? 1 : e.key === "ArrowLeft" ? 2 : 0;
              if (step === 0) return;
              e.preventDefault();
              pane.value = all[(all.indexOf(pane.value) + step) % 3] ?? "chat";
              document.getElementById(`tab-${pane.value}`)?.focus();
            }}
          >
            {{ chat: "Chat", card: "Card", why: "Why" }[name]}
          </button>
        ))}
      </div>
      <div class="body">
        <div class="main">
          {pane.value === "why" ? (
            <div class="scroll" id="pane-why" role="tabpanel" aria-labelledby="tab-why" tabIndex={0}>
              <Why conversation={id} seq={summary.seq} />
            </div>
          ) : (
            <div class="talk" id="pane-chat" role="tabpanel" aria-labelledby="tab-chat">
              <div
                class="scroll"
                ref={scroller}
                role="log"
                aria-live="polite"
                aria-label={`Conversation with ${customer}`}
                tabIndex={0}
                onScroll={(e) => {
                  const box = e.currentTarget;
                  // A change of size scrolls too; only a reader who scrolls leaves the end.
                  const resized = box.clientHeight !== height.current;
                  height.current = box.clientHeight;
                  if (!(resized && stick.current)) stick.current = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
                }}
              >
                <Transcript
                  messages={detail.messages}
                  drafts={own}
                  card={detail.card}
                  customer={customer}
                  onRetry={(d) => void write(d.conversation, d.kind, d.text, d)}
                  onDiscard={(d) => discard(d.id)}
                />
              </div>
              <p class="typing dim small" role="status" aria-live="polite">{isTyping ? `${customer} is typing…` : ""}</p>
              <Composer key={id} conversation={id} card={detail.card} may={detail.may ?? []} insert={insert.value} />
            </div>
          )}
        </div>
        <aside class="side scroll" id="pane-card" role="region" aria-label="What to know" tabIndex={0}>
          <CardView
            card={detail.card}
            followUps={detail.follow_ups ?? []}
            onConfirm={(detail.may ?? []).includes("resolve") ? (reminder) => void command(id, "confirm", { reminder }) : undefined}
            onInsert={canWrite ? use : undefined}
          />
        </aside>
      </div>
      {(asking.value === "resolve" || asking.value === "return" || asking.value === "transfer") && (
        <Question
          asking={asking.value}
          team={summary.team}
          onClose={() => (asking.value = null)}
          onDone={(body) => {
            const what = asking.value ?? "";
            asking.value = null;
            void command(id, what, body);
          }}
        />
      )}
    </section>
  );
}
