// The conversation as the agent reads it.

import { bytes, clock, safeUrl, signed } from "../shared/format";
import type { Attachment, Card, Line, Message } from "../shared/types";
import { Icon, Out, Text } from "../shared/ui";
import type { Draft } from "./state";

const LANGUAGE = navigator.language;
const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

export function speaker(message: Message, customer: string): string {
  switch (message.from.who) {
    case "customer":
      return customer;
    case "agent":
      return message.from.name ?? "Agent";
    case "model":
      return "AI assistant";
    case "system":
      return "System";
    default:
      return "Bot";
  }
}

function Attached({ a }: { a: Attachment }) {
  if (a.kind === "card") {
    return (
      <div class="attached-card">
        {a.title && <strong dir="auto">{a.title}</strong>}
        {a.text && <Text text={a.text} />}
        {safeUrl(a.link, location.origin) !== null && <Out href={a.link}>{a.link}</Out>}
      </div>
    );
  }
  const url = safeUrl(a.url, location.origin);
  if (a.kind === "image" || PICTURES.has(a.mime ?? "")) {
    return url === null ? null : (
      <Out href={a.url} class="picture">
        <img src={url} alt={a.kind === "file" ? (a.name ?? "picture") : "picture"} loading="lazy" referrerpolicy="no-referrer" />
      </Out>
    );
  }
  return (
    <p class="file-line">
      <Icon name="file" />
      <Out href={a.url}>{a.name ?? "file"}</Out>
      {a.bytes !== undefined && <span class="dim small">{bytes(a.bytes, LANGUAGE)}</span>}
    </p>
  );
}

export function Transcript({ messages, drafts, card, customer, onRetry, onDiscard }: {
  messages: Message[];
  drafts: Draft[];
  card: Card;
  customer: string;
  onRetry: (draft: Draft) => void;
  onDiscard: (draft: Draft) => void;
}) {
  const marks = marksOf(card.transcript ?? []);
  return (
    <ol class="transcript">
      {messages.map((message, i) => {
        const before = messages[i - 1];
        const follows =
          before !== undefined && before.from.who === message.from.who && before.from.name === message.from.name && before.kind !== "note" && message.kind !== "note";
        const mark = marks.get(`${message.at}\n${message.text}`);
        return (
          <li key={message.id} class={`line ${message.kind === "note" ? "note" : message.from.who}${follows ? " follows" : ""}`} data-id={message.id}>
            <p class={follows ? "hidden" : "who"}>
              <span class="name" dir="auto">{message.kind === "note" ? `Note, ${speaker(message, customer)}` : speaker(message, customer)}</span>{" "}
              <time dateTime={message.at}>{clock(message.at, LANGUAGE)}</time>
            </p>
            <div class="said">
              {message.text !== "" && <Text text={message.text} />}
              {(message.attachments ?? []).map((a, n) => (
                <Attached key={n} a={a} />
              ))}
              {(message.buttons ?? []).length > 0 && (
                <p class="offered">
                  {message.buttons?.map((b) => (
                    <span key={b.id} dir="auto">{b.label}</span>
                  ))}
                </p>
              )}
              {(message.citations ?? []).length > 0 && <p class="dim small">Sources: {message.citations?.map((c) => c.title || c.source).join(", ")}</p>}
            </div>
            {mark !== undefined && <p class="mark">{mark}</p>}
          </li>
        );
      })}
      {drafts.map((draft) => (
        <li key={draft.id} class={`line ${draft.kind === "note" ? "note" : "agent"} unsent`}>
          <div class="said">
            <Text text={draft.text} />
          </div>
          {draft.failed === undefined ? (
            <p class="mark">sending…</p>
          ) : (
            <p class="mark error" role="alert">
              {draft.failed}{" "}
              <button type="button" class="link" onClick={() => onRetry(draft)}>Try again</button>{" "}
              <button type="button" class="link" onClick={() => onDiscard(draft)}>Discard</button>
            </p>
          )}
        </li>
      ))}
    </ol>
  );
}

/** Sentiment and confidence, which only the card knows, by time and text. */
function marksOf(lines: Line[]): Map<string, string> {
  const out = new Map<string, string>();
  for (const line of lines) {
    const parts: string[] = [];
    if (typeof line.sentiment === "number" && Math.abs(line.sentiment) >= 0.2) parts.push(`sentiment ${signed(line.sentiment)}`);
    if (typeof line.confidence === "number") parts.push(`confidence ${Math.round(line.confidence * 100)}%`);
    if (parts.length > 0) out.set(`${line.at}\n${line.text}`, parts.join(" · "));
  }
  return out;
}
