// The chat: header, messages, what is going on, menu and composer.

import { signal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { bytes, localeOf } from "../shared/format";
import type { Button, View } from "../shared/types";
import { Icon } from "../shared/ui";
import { Bubble, Unsent } from "./bubble";
import * as client from "./client";
import { askingMessage } from "./state";
import { strings, waiting, type Strings } from "./strings";

const TEXT_LIMIT = 8000;
/** The field to write in, wherever it is drawn. */
const draftField: { current: HTMLElement | null } = { current: null };
export function focusDraft(): void {
  draftField.current?.focus({ preventScroll: true });
}
const online = signal(navigator.onLine);
addEventListener("online", () => (online.value = true));
addEventListener("offline", () => (online.value = false));

function Status({ view, words, typing }: { view: View; words: Strings; typing: boolean }) {
  let title: string | null = null;
  let detail: string | null = null;
  if (typing) title = words.typing(view.agent?.name ?? words.agentFallback);
  else if (view.stage === "reviewing") title = words.reviewing(view.agent?.name ?? null);
  else if (view.queue !== null) {
    title = words.queue(view.queue.position, view.queue.length ?? null);
    detail = waiting(words, view.queue.wait_seconds, view.queue.range_seconds);
  } else if (view.stage === "queued" || view.stage === "offered") title = words.finding;
  else if (view.thinking) title = words.thinking;
  return (
    <div class="status" role="status" aria-live="polite">
      {title !== null && (
        <p class={typing || view.thinking ? "dots" : ""}>
          <span dir="auto">{title}</span>
          {detail !== null && <span class="dim"> {detail}</span>}
        </p>
      )}
    </div>
  );
}

function Ended({ view, words }: { view: View; words: Strings }) {
  return (
    <div class="ended">
      <p>{view.ended?.resolved ? words.endedResolved : words.ended}</p>
      <button type="button" class="quiet" onClick={() => void client.startAnew()}>
        {words.startNew}
      </button>
    </div>
  );
}

function Composer({ view, words, language }: { view: View; words: Strings; language: string }) {
  const draft = useSignal("");
  const tooLarge = useSignal(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const codeField = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    draftField.current = field.current ?? codeField.current;
  });
  const picker = useRef<HTMLInputElement>(null);
  const code = view.asks?.kind === "code";
  const max = client.info.value?.max_file_bytes ?? 10_485_760;

  useLayoutEffect(() => {
    const area = field.current;
    if (area === null) return;
    // As tall as its text, within reason; set as properties, which a strict policy allows.
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, 140)}px`;
  }, [draft.value, code]);

  function submit(): void {
    const text = draft.value.trim();
    if (text === "") return;
    if (code) client.sendCode(text);
    else client.sendText(text.slice(0, TEXT_LIMIT));
    draft.value = "";
    focusDraft();
  }

  function attach(list: FileList | null | undefined): void {
    tooLarge.value = false;
    for (const file of list ?? []) {
      if (file.size > max) tooLarge.value = true;
      else client.sendFile(file);
    }
    if (picker.current !== null) picker.current.value = "";
  }

  const hint = code
    ? words.code
    : view.ended !== null
      ? words.writeEnded
      : view.stage === "queued" || view.stage === "offered"
        ? words.writeQueued
        : words.write;
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        attach(event.dataTransfer?.files);
      }}
    >
      {tooLarge.value && (
        <p class="state error" role="alert">
          {words.tooLarge(bytes(max, language))}
        </p>
      )}
      <div class={`field${view.asks?.kind === "file" ? " wants-file" : ""}`}>
        <input ref={picker} type="file" class="hidden" tabIndex={-1} aria-hidden="true" multiple onChange={(e) => attach(e.currentTarget.files)} />
        <button type="button" class="round attach" aria-label={words.attach} title={words.attach} onClick={() => picker.current?.click()}>
          <Icon name="clip" />
        </button>
        {code ? (
          <input
            ref={codeField}
            id="draft"
            class="code"
            aria-label={words.code}
            placeholder={words.code}
            inputMode="numeric"
            autocomplete="one-time-code"
            maxLength={32}
            value={draft.value}
            onInput={(e) => (draft.value = e.currentTarget.value)}
          />
        ) : (
          <textarea
            ref={field}
            id="draft"
            rows={1}
            aria-label={hint}
            placeholder={hint}
            maxLength={TEXT_LIMIT}
            value={draft.value}
            enterkeyhint="send"
            dir="auto"
            onInput={(e) => {
              draft.value = e.currentTarget.value;
              client.tellTyping();
            }}
            onKeyDown={(e) => {
              if (e.key === "Enter" && !e.shiftKey && !e.isComposing) {
                e.preventDefault();
                submit();
              }
            }}
            onPaste={(e) => {
              if ((e.clipboardData?.files.length ?? 0) > 0) {
                e.preventDefault();
                attach(e.clipboardData?.files);
              }
            }}
          />
        )}
        <button type="submit" class="round send" aria-label={code ? words.confirmCode : words.send} title={words.send} disabled={draft.value.trim() === ""}>
          <Icon name="send" />
        </button>
      </div>
    </form>
  );
}

function Leave({ words }: { words: Strings }) {
  const asked = useSignal(false);
  const keep = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (asked.value) keep.current?.focus();
  }, [asked.value]);
  if (!asked.value) {
    return (
      <button type="button" class="quiet" onClick={() => (asked.value = true)}>
        {words.leave}
      </button>
    );
  }
  return (
    <span class="sure" role="group" aria-label={words.leaveSure} onKeyDown={(e) => e.key === "Escape" && (asked.value = false)}>
      <button ref={keep} type="button" class="quiet" onClick={() => (asked.value = false)}>
        {words.no}
      </button>
      <button
        type="button"
        class="quiet strong"
        onClick={() => {
          asked.value = false;
          void client.leave();
        }}
      >
        {words.yes}
      </button>
    </span>
  );
}

/** `onClose`: the chat is a panel on another page; absent: it is the page. */
export function Chat({ onClose }: { onClose?: () => void }) {
  const state = client.state.value;
  const view = state.view;
  const language = localeOf(view?.language ?? "other", navigator.languages);
  const words = strings(language);
  const asking = useComputed(() => askingMessage(client.state.value)).value;
  const log = useRef<HTMLDivElement>(null);
  const atEnd = useSignal(true);
  const height = useRef(0);

  useEffect(() => {
    if (onClose === undefined) document.documentElement.lang = language;
  }, [language]);
  useEffect(() => {
    if (onClose === undefined) document.title = view?.title ?? client.info.value?.title ?? "Chat";
  }, [view?.title, client.info.value]);
  useLayoutEffect(() => {
    const box = log.current;
    if (box !== null && atEnd.value) box.scrollTop = box.scrollHeight;
  }, [state.messages, state.pending, state.typing, view]);
  // A reader who stands at the end stays there when the keyboard or the status takes room.
  useEffect(() => {
    const box = log.current;
    if (box === null) return;
    const watch = new ResizeObserver(() => {
      if (atEnd.value) box.scrollTop = box.scrollHeight;
    });
    watch.observe(box);
    return () => watch.disconnect();
  }, [view === null]);

  const title = view?.title ?? client.info.value?.title ?? "";
  const trouble = client.trouble.value;
  const press = (button: Button) => {
    atEnd.value = true;
    client.press(button.id, button.label);
    focusDraft();
  };
  // On another page the page has its own `main`.
  const Frame = onClose === undefined ? "main" : "section";
  const lost = state.connection === "lost" && view !== null;
  return (
    <Frame class={onClose === undefined ? "chat page" : "chat"} lang={language} aria-label={title}>
      <header>
        <div class="head">
          {onClose === undefined ? <h1 dir="auto">{title}</h1> : <h2 dir="auto">{title}</h2>}
          <p class="with" dir="auto">
            {view?.agent != null ? words.withAgent(view.agent.name) : view?.tier_kind === "model" ? words.model : view !== null && view.ended === null ? words.bot : ""}
          </p>
        </div>
        {view !== null && view.ended === null && <Leave words={words} />}
        {onClose !== undefined && (
          <button type="button" class="round" aria-label={words.closeChat} onClick={onClose}>
            <Icon name="close" />
          </button>
        )}
      </header>
      <div class="banner" role="status" aria-live="polite">
        {!online.value ? <p>{words.offline}</p> : lost ? <p>{words.lost}</p> : trouble?.kind === "busy" ? <p>{words.busy}</p> : null}
      </div>
      {client.notice.value !== null && (
        <div class="banner error" role="alert">
          <p dir="auto">{client.notice.value}</p>
          <button type="button" class="link" onClick={() => (client.notice.value = null)}>
            {words.discard}
          </button>
        </div>
      )}
      {trouble?.kind === "failed" ? (
        <div class="broken" role="alert">
          <p>{view === null ? words.cannotOpen : words.gone}</p>
          {trouble.text !== "" && <p class="dim" dir="auto">{trouble.text}</p>}
          <button type="button" class="quiet" onClick={() => void client.startAnew()}>
            {view === null ? words.retry : words.startNew}
          </button>
        </div>
      ) : view === null ? (
        <div class="broken">
          <p class="dots">{words.connecting}</p>
        </div>
      ) : (
        <>
          <div
            class="log"
            ref={log}
            role="log"
            aria-label={words.conversation}
            aria-live="polite"
            tabIndex={0}
            onScroll={(e) => {
              const box = e.currentTarget;
              // A change of size scrolls too; only a reader who scrolls leaves the end.
              const resized = box.clientHeight !== height.current;
              height.current = box.clientHeight;
              if (!(resized && atEnd.value)) atEnd.value = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
            }}
          >
            <ol>
              {state.messages.map((message, i) => (
                <Bubble
                  key={message.id}
                  message={message}
                  follows={sameSpeaker(state.messages[i - 1], message)}
                  asking={message.id === asking}
                  survey={message.kind === "survey"}
                  words={words}
                  language={language}
                  onPress={press}
                />
              ))}
              {state.pending.map((pending) => (
                <Unsent key={pending.id} pending={pending} words={words} onRetry={() => client.retry(pending.id)} onDiscard={() => client.discard(pending.id)} />
              ))}
            </ol>
            {!client.remembered.value && <p class="aside dim">{words.noStorage}</p>}
          </div>
          {!atEnd.value && (
            <button
              type="button"
              class="to-end"
              onClick={() => {
                atEnd.value = true;
                const box = log.current;
                if (box !== null) box.scrollTop = box.scrollHeight;
              }}
            >
              {words.newMessages}
            </button>
          )}
          <Status view={view} words={words} typing={state.typing} />
          {view.ended !== null && <Ended view={view} words={words} />}
          <footer>
            {(view.menu ?? []).length > 0 && (
              <div class="menu" role="group" aria-label={words.menu}>
                {view.menu.map((b) => (
                  <button key={b.id} type="button" class="quiet" onClick={() => press(b)} dir="auto">
                    {b.label}
                  </button>
                ))}
              </div>
            )}
            <Composer view={view} words={words} language={language} />
          </footer>
        </>
      )}
    </Frame>
  );
}

function sameSpeaker(before: import("../shared/types").Message | undefined, message: import("../shared/types").Message): boolean {
  return (
    before !== undefined &&
    before.from.who === message.from.who &&
    (before.from.name ?? "") === (message.from.name ?? "") &&
    Date.parse(message.at) - Date.parse(before.at) < 120_000
  );
}
