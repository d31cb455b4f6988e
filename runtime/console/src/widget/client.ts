// The widget's side of the API: opens or resumes the conversation, keeps the stream, sends in order.

import { signal } from "@preact/signals";
import { ApiError, api, ask, newId } from "../shared/http";
import { pause } from "../shared/stream";
import type { Stream } from "../shared/stream";
import { openShared } from "../shared/tabs";
import type { Message, TurnAnswer, View, WidgetInfo } from "../shared/types";
import { loadOutbox, loadSession, saveOutbox, saveSession, type Session } from "./session";
import { EMPTY, reduce, resumeAt, type Action, type Pending, type State } from "./state";

export const state = signal<State>(EMPTY);
export const info = signal<WidgetInfo | null>(null);
/** Why there is no conversation (yet): `busy` is tried again, `failed` waits for the customer. */
export const trouble = signal<null | { kind: "busy" | "failed"; text: string }>(null);
/** Whether a reload will find the conversation again. */
export const remembered = signal(true);
export const session = signal<Session | null>(null);
/** Something to say once that belongs to no message. */
export const notice = signal<string | null>(null);

/** What the page wants: all optional. */
export const options: { language?: string; page?: string; identity?: string } = {};
let stream: Stream | null = null;
const files = new Map<string, File>();
let sending = false;
let wake: (() => void) | null = null;

function act(action: Action): void {
  const before = state.value.pending;
  state.value = reduce(state.value, action);
  const id = session.value?.id;
  if (id !== undefined && state.value.pending !== before) saveOutbox(id, state.value.pending);
}

function bearer(): Record<string, string> {
  return { authorization: `Bearer ${session.value?.token ?? ""}` };
}

function path(rest: string): string {
  return `/v1/conversations/${encodeURIComponent(session.value?.id ?? "")}${rest}`;
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Asks until there is an answer or a refusal that will not change. */
async function insist<T>(asking: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const answer = await asking();
      trouble.value = null;
      return answer;
    } catch (error) {
      if (!(error instanceof ApiError) || !error.temporary) throw error;
      trouble.value = { kind: "busy", text: error.message };
      await sleep(error.retryAfter === null ? pause(attempt, Math.random()) : error.retryAfter * 1000);
    }
  }
}

function language(): string | undefined {
  const wanted = [options.language, ...navigator.languages].filter((l) => l !== undefined);
  const known = info.value?.languages ?? [];
  for (const tag of wanted) {
    const short = tag.toLowerCase().split("-")[0] ?? "";
    if (known.includes(short)) return short;
  }
  return undefined;
}

/** The page on which the chat stands, without what may be private behind `?` and `#`. */
function page(): string {
  return options.page ?? `${location.origin}${location.pathname}`;
}

async function open(): Promise<void> {
  const body: Record<string, unknown> = { channel: "web", page: page().slice(0, 2000) };
  const chosen = language();
  if (chosen !== undefined) body["language"] = chosen;
  if (options.identity !== undefined) body["identity"] = options.identity;
  const opened = await insist(() =>
    ask<{ id: string; token: string; conversation: View; messages: Message[] }>("/v1/conversations", { body }),
  );
  session.value = { id: opened.id, token: opened.token };
  remembered.value = saveSession(session.value);
  act({ do: "snapshot", view: opened.conversation, messages: opened.messages });
}

async function resume(kept: Session): Promise<boolean> {
  session.value = kept;
  try {
    const found = await insist(() =>
      ask<{ conversation: View; messages: Message[] }>(path(""), { headers: bearer() }),
    );
    act({ do: "snapshot", view: found.conversation, messages: found.messages });
    act({ do: "restore", pending: loadOutbox(kept.id) });
    return true;
  } catch (error) {
    if (error instanceof ApiError && [401, 403, 404, 410].includes(error.status)) {
      saveSession(null);
      session.value = null;
      return false;
    }
    throw error;
  }
}

/** Opens the chat: the kept conversation if it is still there, else a new one. */
export async function start(): Promise<void> {
  trouble.value = null;
  try {
    info.value = await insist(() => ask<WidgetInfo>("/v1/widget"));
    const kept = loadSession();
    if (kept === null || !(await resume(kept))) await open();
  } catch (error) {
    trouble.value = { kind: "failed", text: error instanceof Error ? error.message : String(error) };
    return;
  }
  connect();
  void drain();
}

/** Forgets the conversation and opens another. */
export async function startAnew(): Promise<void> {
  stream?.close();
  stream = null;
  saveSession(null);
  if (session.value !== null) saveOutbox(session.value.id, []);
  session.value = null;
  files.clear();
  state.value = EMPTY;
  await start();
}

function connect(): void {
  const id = session.value?.id ?? "";
  stream = openShared({
    name: `flow.chat.${id}`,
    url: api.origin + path("/events"),
    headers: bearer,
    after: resumeAt(state.value),
    keep: (event) => (event.event === "view" ? "view" : null),
    onConnection: (connection) => {
      act({ do: "connection", state: connection });
      if (connection === "open") wake?.();
    },
    onRefused: (status) => {
      if (status === 401 || status === 403 || status === 404 || status === 410) {
        saveSession(null);
        trouble.value = { kind: "failed", text: "" };
      }
    },
    onEvent: (event) => {
      let data: unknown;
      try {
        data = JSON.parse(event.data);
      } catch {
        return;
      }
      if (event.event === "message") act({ do: "messages", messages: [data as Message] });
      else if (event.event === "view") act({ do: "view", view: data as View });
      else if (event.event === "typing") onTyping((data as { typing: boolean }).typing);
    },
  });
}

let typingEnds: ReturnType<typeof setTimeout> | undefined;
function onTyping(typing: boolean): void {
  act({ do: "typing", typing });
  clearTimeout(typingEnds);
  // Who stopped without saying so has stopped.
  if (typing) typingEnds = setTimeout(() => act({ do: "typing", typing: false }), 8000);
}

function enqueue(pending: Pending): void {
  act({ do: "send", pending });
  void drain();
}

export function sendText(text: string): void {
  enqueue({ id: newId(), kind: "text", text, at: new Date().toISOString() });
}

export function sendCode(code: string): void {
  enqueue({ id: newId(), kind: "code", text: code, at: new Date().toISOString() });
}

export function press(button: string, label: string): void {
  enqueue({ id: newId(), kind: "button", text: label, button, at: new Date().toISOString() });
}

export function sendFile(file: File): void {
  const id = newId();
  files.set(id, file);
  enqueue({ id, kind: "file", text: file.name, at: new Date().toISOString() });
}

export function retry(id: string): void {
  act({ do: "retry", id });
  void drain();
}

export function discard(id: string): void {
  files.delete(id);
  act({ do: "discard", id });
}

function post(pending: Pending): Promise<TurnAnswer> {
  const headers = bearer();
  if (pending.kind === "file") {
    const file = files.get(pending.id);
    if (file === undefined) return Promise.reject(new ApiError(400, "gone", "the file is no longer at hand", null, null));
    headers["content-type"] = file.type === "" ? "application/octet-stream" : file.type;
    const name = encodeURIComponent(file.name);
    return ask<TurnAnswer>(path(`/files?id=${pending.id}&name=${name}`), { raw: file, headers });
  }
  const body =
    pending.kind === "button"
      ? { id: pending.id, button: pending.button }
      : pending.kind === "code"
        ? { id: pending.id, code: pending.text }
        : { id: pending.id, text: pending.text };
  return ask<TurnAnswer>(path("/messages"), { body, headers });
}

/** Sends what waits, one at a time and in order; the same id again and again until the server has answered. */
async function drain(): Promise<void> {
  if (sending || session.value === null) return;
  sending = true;
  const conversation = session.value.id;
  let attempt = 0;
  try {
    for (;;) {
      const next = state.value.pending.find((p) => p.failed === undefined);
      if (next === undefined || session.value?.id !== conversation) return;
      try {
        const answer = await post(next);
        attempt = 0;
        files.delete(next.id);
        act({ do: "answered", id: next.id, view: answer.conversation, messages: answer.messages, seq: answer.seq });
      } catch (error) {
        const known = error instanceof ApiError ? error : new ApiError(0, "unknown", String(error), null, null);
        if (known.temporary) {
          const wait = known.retryAfter === null ? pause(attempt, Math.random()) : known.retryAfter * 1000;
          attempt += 1;
          await Promise.race([sleep(wait), new Promise<void>((resolve) => (wake = resolve))]);
          wake = null;
        } else {
          act({ do: "failed", id: next.id, why: known.message, again: known.status !== 413 && known.status !== 422 });
        }
      }
    }
  } finally {
    sending = false;
  }
}

let told = 0;
/** Tells the agent that the customer writes, at most every 3 s. */
export function tellTyping(): void {
  const view = state.value.view;
  if (view?.tier_kind !== "people" || view.agent === null || Date.now() - told < 3000) return;
  told = Date.now();
  ask(path("/typing"), { body: { typing: true }, headers: bearer() }).catch(() => {});
}

/** The customer ends the chat. */
export async function leave(): Promise<void> {
  try {
    await ask(path("/leave"), { body: { id: newId() }, headers: bearer() });
    const found = await ask<{ conversation: View; messages: Message[] }>(path(""), { headers: bearer() });
    act({ do: "snapshot", view: found.conversation, messages: found.messages });
  } catch (error) {
    notice.value = error instanceof Error ? error.message : String(error);
  }
}

/** A file's address as the browser may fetch it: those of this conversation need its token. */
export function fileUrl(url: string): string {
  const own = `/v1/files/${session.value?.id ?? ""}/`;
  return url.startsWith(own) && session.value !== null ? `${api.origin}${url}?token=${encodeURIComponent(session.value.token)}` : url;
}

addEventListener("online", () => wake?.());
