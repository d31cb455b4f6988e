// The inbox's side of the API: the session, the one stream, lists, the open conversation and commands.

import { computed, effect, signal } from "@preact/signals";
import { ApiError, ask, newId } from "../shared/http";
import type { Connection, Stream } from "../shared/stream";
import { openShared } from "../shared/tabs";
import type { Desk, Detail, FollowUp, LogEntry, Me, Message, Offer, ProgramNews, Status, Summary } from "../shared/types";
import {
  addOffer, applyTurn, EMPTY_DESK, endOffer, learn, refresh, settle, type Draft, type Opened, type Summaries,
} from "./state";

export type ViewName = "mine" | "queue" | "team" | "open" | "closed" | "all";

export const me = signal<Me | null>(null);
/** Whether it is known yet if somebody is signed in. */
export const known = signal(false);
export const desk = signal<Desk>(EMPTY_DESK);
export const offers = signal<Offer[]>([]);
export const summaries = signal<Summaries>(new Map());
export const connection = signal<Connection>("connecting");
export const program = signal<ProgramNews | null>(null);
export const status = signal<Status | null>(null);
export const opened = signal<Opened | null>(null);
export const openError = signal<string | null>(null);
export const drafts = signal<Draft[]>([]);
/** Conversations whose customer is typing, until when. */
export const typing = signal<ReadonlyMap<string, number>>(new Map());
/** Messages unread, by conversation. */
export const unread = signal<ReadonlyMap<string, number>>(new Map());
/** Short things to tell: errors of commands, alerts. */
export const toasts = signal<{ id: number; text: string; bad: boolean; conversation?: string }[]>([]);
/** A clock for countdowns and ages; ticks once a second. */
export const now = signal(Date.now());
setInterval(() => (now.value = Date.now()), 1000);

/** Where we are: `#/c/ID`, `#/follow-ups`, `#/dashboard`, `#/program`. */
export const route = signal(location.hash);
addEventListener("hashchange", () => (route.value = location.hash));
export const openId = computed(() => {
  const match = /^#\/c\/([^/]+)/.exec(route.value);
  return match?.[1] === undefined ? null : decodeURIComponent(match[1]);
});
export const isLead = computed(() => me.value !== null && me.value.agent.role !== "agent");

export function go(hash: string): void {
  location.hash = hash;
}
export function conversationHash(id: string): string {
  return `#/c/${encodeURIComponent(id)}`;
}

let stream: Stream | null = null;
let toastId = 0;

export function toast(text: string, bad = false, conversation?: string): void {
  const id = ++toastId;
  toasts.value = [...toasts.value.slice(-3), conversation === undefined ? { id, text, bad } : { id, text, bad, conversation }];
  setTimeout(() => dismiss(id), 9000);
}
export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((t) => t.id !== id);
}

function say(error: unknown): string {
  if (error instanceof ApiError) return error.help === null ? error.message : `${error.message} (${error.help})`;
  return error instanceof Error ? error.message : String(error);
}

/** Asks as the signed-in agent. A session that ended leads back to the sign-in. */
async function call<T>(path: string, body?: unknown, method?: string): Promise<T> {
  try {
    return await ask<T>(path, {
      ...(body === undefined ? {} : { body }),
      ...(method === undefined ? {} : { method }),
      headers: body === undefined && method === undefined ? {} : { "x-flow-csrf": me.value?.csrf ?? "" },
    });
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) signedOut();
    throw error;
  }
}

function signedOut(): void {
  stream?.close();
  stream = null;
  me.value = null;
  desk.value = EMPTY_DESK;
  offers.value = [];
  summaries.value = new Map();
  opened.value = null;
  drafts.value = [];
  unread.value = new Map();
}

/** Finds out whether somebody is signed in. */
export async function begin(): Promise<void> {
  try {
    signedIn(await ask<Me>("/v1/agent/me"));
  } catch (error) {
    if (error instanceof ApiError && error.temporary) {
      setTimeout(() => void begin(), 2000);
      return;
    }
  }
  known.value = true;
}

export async function signIn(name: string, password: string): Promise<void> {
  signedIn(await ask<Me>("/v1/agent/sign-in", { body: { name, password } }));
}

export async function signOut(): Promise<void> {
  try {
    await call("/v1/agent/sign-out", {}, "POST");
  } catch (error) {
    if (me.value !== null) {
      toast(say(error), true);
      return;
    }
  }
  signedOut();
}

function signedIn(answer: Me): void {
  me.value = answer;
  desk.value = { ...EMPTY_DESK, me: { ...EMPTY_DESK.me, available: answer.available, capacity: answer.agent.capacity } };
  connect();
  void loadStatus();
  void list("mine", "").catch(() => {});
}

export async function setAvailable(available: boolean): Promise<void> {
  try {
    const answer = await call<{ available: boolean }>("/v1/agent/presence", { available }, "PUT");
    desk.value = { ...desk.value, me: { ...desk.value.me, available: answer.available } };
  } catch (error) {
    toast(say(error), true);
  }
}

function connect(): void {
  stream?.close();
  let lost = false;
  stream = openShared({
    name: "flow.inbox",
    url: `${location.origin}/v1/agent/stream`,
    after: null,
    keep: (event) => (event.event === "desk" || event.event === "program" ? event.event : event.event === "offer" ? offerKey(event.data) : null),
    onConnection: (state) => {
      connection.value = state;
      if (state === "lost") lost = true;
      if (state === "open" && lost) {
        lost = false;
        // Turns are resumed by the stream; what carries no id is asked anew.
        void loadStatus();
        void reopen();
      }
    },
    onRefused: (code) => {
      if (code === 401) signedOut();
      else toast(`the stream was refused (${code})`, true);
    },
    onEvent: (event) => {
      let data: unknown;
      try {
        data = JSON.parse(event.data);
      } catch {
        return;
      }
      onEvent(event.event, data);
    },
  });
}

function offerKey(data: string): string | null {
  try {
    return `offer ${(JSON.parse(data) as Offer).reservation}`;
  } catch {
    return null;
  }
}

function onEvent(name: string, data: unknown): void {
  switch (name) {
    case "desk": {
      desk.value = data as Desk;
      summaries.value = learn(summaries.value, desk.value.queue.map((entry) => entry.conversation));
      break;
    }
    case "turn":
      onTurn(data as { conversation: Summary; messages: Message[]; seq: number });
      break;
    case "offer": {
      const offer = data as Offer;
      if (Date.parse(offer.expires_at) > Date.now()) offers.value = addOffer(offers.value, offer);
      summaries.value = learn(summaries.value, [offer.conversation]);
      if (openId.value === offer.conversation.id) void reopen();
      break;
    }
    case "offer_ended": {
      const ended = data as { reservation: number; conversation: string; reason: string };
      const was = offers.value.some((o) => o.reservation === ended.reservation);
      offers.value = endOffer(offers.value, ended.reservation);
      if (was && ended.reason === "timed_out") toast("The offer timed out; the next agent is asked.", false);
      if (was && ended.reason === "taken") toast("Somebody else took the conversation.", false);
      if (was && ended.reason === "left") toast("The customer left.", false);
      if (openId.value === ended.conversation) void reopen();
      break;
    }
    case "alert": {
      const alert = data as { conversation: string; text: string };
      // The open conversation shows it on its card.
      if (openId.value === alert.conversation && !document.hidden) void reopen();
      else toast(alert.text, true, alert.conversation);
      break;
    }
    case "typing": {
      const news = data as { conversation: string; typing: boolean };
      const next = new Map(typing.value);
      if (news.typing) next.set(news.conversation, Date.now() + 8000);
      else next.delete(news.conversation);
      typing.value = next;
      break;
    }
    case "program":
      program.value = data as ProgramNews;
      void loadStatus();
      break;
  }
}

function onTurn(turn: { conversation: Summary; messages: Message[]; seq: number }): void {
  const id = turn.conversation.id;
  const before = summaries.value.get(id);
  summaries.value = learn(summaries.value, [turn.conversation]);
  drafts.value = settle(drafts.value, turn.messages);
  const fromCustomer = turn.messages.filter((m) => m.from.who === "customer").length;
  if (fromCustomer > 0) {
    const quiet = new Map(typing.value);
    if (quiet.delete(id)) typing.value = quiet;
  }
  if (opened.value?.detail.conversation.id === id) {
    opened.value = applyTurn(opened.value, turn);
    if (opened.value.stale) refreshSoon();
  }
  const held = turn.conversation.agent?.id === me.value?.agent.id;
  if (held && fromCustomer > 0 && (openId.value !== id || document.hidden) && (before === undefined || before.seq < turn.seq)) {
    const next = new Map(unread.value);
    next.set(id, (next.get(id) ?? 0) + fromCustomer);
    unread.value = next;
  }
}

let refreshTimer: ReturnType<typeof setTimeout> | undefined;
function refreshSoon(): void {
  clearTimeout(refreshTimer);
  refreshTimer = setTimeout(() => void reopen(), 250);
}

/** Fetches the open conversation (again). */
export async function reopen(): Promise<void> {
  const id = openId.value;
  if (id === null || me.value === null) return;
  try {
    const detail = await call<Detail>(`/v1/agent/conversations/${encodeURIComponent(id)}`);
    if (openId.value !== id) return;
    openError.value = null;
    opened.value = refresh(opened.value, detail);
    summaries.value = learn(summaries.value, [detail.conversation]);
    drafts.value = settle(drafts.value, detail.messages);
    if (opened.value.stale) refreshSoon();
  } catch (error) {
    if (openId.value === id) openError.value = say(error);
  }
}

effect(() => {
  const id = openId.value;
  const signed = me.value !== null;
  if (!signed || id === null) {
    opened.value = null;
    openError.value = null;
    return;
  }
  if (opened.peek()?.detail.conversation.id !== id) opened.value = null;
  openError.value = null;
  markRead(id);
  void reopen();
});

export function markRead(id: string): void {
  if (!unread.peek().has(id)) return;
  const next = new Map(unread.peek());
  next.delete(id);
  unread.value = next;
}
addEventListener("visibilitychange", () => {
  if (!document.hidden && openId.value !== null) markRead(openId.value);
});

export async function list(view: ViewName, search: string, cursor?: string): Promise<{ ids: string[]; cursor: string | null }> {
  const query = new URLSearchParams({ view, limit: "50" });
  if (search !== "") query.set("search", search);
  if (cursor !== undefined) query.set("cursor", cursor);
  const answer = await call<{ conversations: Summary[]; cursor: string | null }>(`/v1/agent/conversations?${query.toString()}`);
  summaries.value = learn(summaries.value, answer.conversations);
  return { ids: answer.conversations.map((c) => c.id), cursor: answer.cursor ?? null };
}

/** Runs a command once; tries again under the same id while the server cannot be reached. */
export async function command(conversation: string, name: string, body: Record<string, unknown> = {}, id = newId()): Promise<boolean> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const answer = await call<{ conversation: Summary; seq: number }>(
        `/v1/agent/conversations/${encodeURIComponent(conversation)}/${name}`,
        { id, ...body },
      );
      if (answer.conversation !== undefined) summaries.value = learn(summaries.value, [answer.conversation]);
      if (openId.value === conversation) void reopen();
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.temporary && attempt < 4) {
        await new Promise((later) => setTimeout(later, (error.retryAfter ?? 0.5 * 2 ** attempt) * 1000));
        continue;
      }
      toast(say(error), true);
      if (openId.value === conversation) void reopen();
      return false;
    }
  }
}

export async function accept(offer: { reservation: number; id: string }): Promise<void> {
  if (await command(offer.id, "accept", { reservation: offer.reservation })) {
    go(conversationHash(offer.id));
    await reopen();
  }
  offers.value = endOffer(offers.value, offer.reservation);
}

export async function decline(offer: { reservation: number; id: string }): Promise<void> {
  await command(offer.id, "decline", { reservation: offer.reservation });
  offers.value = endOffer(offers.value, offer.reservation);
}

/** Sends a message or note; it is shown at once and again until it is confirmed. */
export async function write(conversation: string, kind: "message" | "note", text: string, retryOf?: Draft): Promise<void> {
  const draft: Draft = retryOf ?? { id: newId(), conversation, kind, text, at: new Date().toISOString() };
  const { failed: _failed, ...clean } = draft;
  drafts.value = [...drafts.value.filter((d) => d.id !== draft.id), clean];
  if (!(await command(conversation, kind === "note" ? "notes" : "messages", { text }, draft.id))) {
    drafts.value = drafts.value.map((d) => (d.id === draft.id ? { ...d, failed: "not sent" } : d));
  }
}

export function discard(id: string): void {
  drafts.value = drafts.value.filter((d) => d.id !== id);
}

let told = 0;
export function tellTyping(conversation: string): void {
  if (Date.now() - told < 3000) return;
  told = Date.now();
  call(`/v1/agent/conversations/${encodeURIComponent(conversation)}/typing`, { typing: true }).catch(() => {});
}

export async function loadLog(conversation: string): Promise<LogEntry[]> {
  const all: LogEntry[] = [];
  for (;;) {
    const after = all.at(-1)?.seq ?? 0;
    const { log } = await call<{ log: LogEntry[] }>(`/v1/agent/conversations/${encodeURIComponent(conversation)}/log?after=${after}&limit=200`);
    all.push(...log);
    if (log.length < 200) return all;
  }
}

export async function loadFollowUps(done: boolean): Promise<FollowUp[]> {
  const answer = await call<{ follow_ups: FollowUp[] }>(`/v1/agent/follow-ups?done=${done}`);
  return answer.follow_ups;
}

export async function followUpDone(id: string): Promise<void> {
  await call(`/v1/agent/follow-ups/${encodeURIComponent(id)}/done`, { id: newId() });
}

export async function loadDashboard(hours: number): Promise<import("../shared/types").Dashboard> {
  return call(`/v1/agent/dashboard?hours=${hours}`);
}

export async function loadStatus(): Promise<void> {
  try {
    status.value = await call<Status>("/v1/status");
  } catch {
    // The next change of the program asks again.
  }
}

export function why(error: unknown): string {
  return say(error);
}
