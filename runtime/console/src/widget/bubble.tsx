// One message.

import { bytes, clock, safeUrl } from "../shared/format";
import { api } from "../shared/http";
import type { Attachment, Button, Citation, Message } from "../shared/types";
import { Icon, Out, Text } from "../shared/ui";
import { fileUrl } from "./client";
import type { Pending } from "./state";
import type { Strings } from "./strings";

const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

export function speaker(words: Strings, message: Message): string {
  switch (message.from.who) {
    case "customer":
      return words.you;
    case "agent":
      return message.from.name ?? words.agentFallback;
    case "model":
      return words.model;
    default:
      return words.bot;
  }
}

function Attached({ attachment, words, language }: { attachment: Attachment; words: Strings; language: string }) {
  if (attachment.kind === "image" || (attachment.kind === "file" && PICTURES.has(attachment.mime ?? ""))) {
    const href = fileUrl(attachment.url);
    const safe = safeUrl(href, api.origin);
    if (safe === null) return null;
    const name = attachment.kind === "file" ? attachment.name : undefined;
    return (
      <Out href={href} class="picture">
        <img src={safe} alt={name ?? words.picture} loading="lazy" referrerpolicy="no-referrer" />
      </Out>
    );
  }
  if (attachment.kind === "file") {
    return (
      <Out href={fileUrl(attachment.url)} class="file">
        <Icon name="file" />
        <span class="file-name" dir="auto">{attachment.name ?? words.file}</span>
        {attachment.bytes !== undefined && <span class="dim">{bytes(attachment.bytes, language)}</span>}
      </Out>
    );
  }
  const picture = safeUrl(attachment.image, api.origin);
  return (
    <div class="card">
      {picture !== null && <img src={picture} alt="" loading="lazy" referrerpolicy="no-referrer" />}
      {attachment.title && <p class="card-title" dir="auto">{attachment.title}</p>}
      {attachment.text && <Text text={attachment.text} />}
      {safeUrl(attachment.link, api.origin) !== null && (
        <Out href={attachment.link} class="card-link">
          {words.openLink}
          <span class="hidden"> {attachment.title ?? ""}</span>
        </Out>
      )}
    </div>
  );
}

function Sources({ citations, words }: { citations: Citation[]; words: Strings }) {
  return (
    <details class="sources">
      <summary>
        {words.sources} · {citations.length}
      </summary>
      <ul>
        {citations.map((c, i) => (
          <li key={i}>
            <span class="source-title" dir="auto">{c.title || c.source}</span>
            {c.quote && <q dir="auto">{c.quote}</q>}
          </li>
        ))}
      </ul>
    </details>
  );
}

/** A scale that is answered once, by its buttons. */
export function Scale({ buttons, words, onPress }: { buttons: Button[]; words: Strings; onPress: (button: Button) => void }) {
  const last = buttons.at(-1)?.label ?? "";
  return (
    <div class="scale" role="group" aria-label={words.choose}>
      {buttons.map((b) => (
        <button key={b.id} type="button" onClick={() => onPress(b)} aria-label={words.scale(b.label, last)}>
          {b.label}
        </button>
      ))}
    </div>
  );
}

export function Bubble(props: {
  message: Message;
  /** Whether the one before is of the same speaker. */
  follows: boolean;
  /** Whether its buttons answer the open question. */
  asking: boolean;
  survey: boolean;
  words: Strings;
  language: string;
  onPress: (button: Button) => void;
}) {
  const { message, words, language } = props;
  const who = message.from.who;
  const buttons = message.buttons ?? [];
  const calm = message.kind === "queue_update" || message.kind === "disclosure" || message.kind === "connected" || who === "system";
  return (
    <li class={`row ${who}${calm ? " calm" : ""}${props.follows ? " follows" : ""}`} lang={message.language ?? undefined} data-id={message.id}>
      <p class={props.follows && !calm ? "hidden" : "who"}>
        <span class="name" dir="auto">{speaker(words, message)}</span> <time dateTime={message.at}>{clock(message.at, language)}</time>
      </p>
      <div class="bubble">
        {message.text !== "" && <Text text={message.text} />}
        {(message.attachments ?? []).map((a, i) => (
          <Attached key={i} attachment={a} words={words} language={language} />
        ))}
        {(message.citations ?? []).length > 0 && <Sources citations={message.citations ?? []} words={words} />}
      </div>
      {buttons.length > 0 && props.asking && props.survey && <Scale buttons={buttons} words={words} onPress={props.onPress} />}
      {buttons.length > 0 && !(props.asking && props.survey) && (
        <div class={`buttons${props.asking ? "" : " old"}`} role="group" aria-label={words.choose}>
          {buttons.map((b) => (
            <button key={b.id} type="button" onClick={() => props.onPress(b)} dir="auto">
              {b.label}
            </button>
          ))}
        </div>
      )}
    </li>
  );
}

/** Something of the customer's that is on its way. */
export function Unsent(props: { pending: Pending; words: Strings; onRetry: () => void; onDiscard: () => void }) {
  const { pending, words } = props;
  const failed = pending.failed !== undefined;
  return (
    <li class={`row customer pending${failed ? " failed" : ""}`}>
      <div class="bubble">
        {pending.kind === "file" ? (
          <span class="file">
            <Icon name="file" />
            <span class="file-name" dir="auto">{pending.text}</span>
          </span>
        ) : (
          <Text text={pending.kind === "code" ? "•".repeat(Math.min(pending.text.length, 8)) : pending.text} />
        )}
      </div>
      {failed ? (
        <p class="state error" role="alert">
          {words.notSent}: <span dir="auto">{pending.failed}</span>
          {pending.again && (
            <button type="button" class="link" onClick={props.onRetry}>
              {words.retry}
            </button>
          )}
          <button type="button" class="link" onClick={props.onDiscard}>
            {words.discard}
          </button>
        </p>
      ) : (
        <p class="state">{words.sending}</p>
      )}
    </li>
  );
}
