// What the inbox knows, as data, and how it changes. Pure.

import { merge } from "../shared/messages";
import type { Card, Desk, Detail, Message, Offer, Summary } from "../shared/types";

/** All conversations heard of, each with its newest summary. */
export type Summaries = ReadonlyMap<string, Summary>;

/** Takes summaries in; an older one never replaces a newer one. */
export function learn(known: Summaries, incoming: readonly Summary[]): Summaries {
  let next: Map<string, Summary> | null = null;
  for (const summary of incoming) {
    const old = (next ?? known).get(summary.id);
    if (old !== undefined && old.seq > summary.seq) continue;
    next ??= new Map(known);
    next.set(summary.id, summary);
  }
  return next ?? known;
}

export const WITH_PERSON = new Set(["reviewing", "with_agent"]);
export const WAITING = new Set(["queued", "offered"]);

/** Conversations that an agent holds, the one that waits longest for an answer first, then by the newest. */
export function mine(summaries: Summaries, agent: string): Summary[] {
  return [...summaries.values()]
    .filter((s) => s.agent?.id === agent && WITH_PERSON.has(s.stage))
    .sort((a, b) => Number(b.last_from === "customer") - Number(a.last_from === "customer") || stamp(b) - stamp(a));
}

function stamp(s: Summary): number {
  return Date.parse(s.last_at ?? s.opened_at) || 0;
}

/** Ids in the order of a list from the server, then what came since, newest first. */
export function listed(summaries: Summaries, ids: readonly string[]): Summary[] {
  return ids.map((id) => summaries.get(id)).filter((s) => s !== undefined);
}

/** Offers by reservation: a new one replaces the old, those that are over go. */
export function addOffer(offers: readonly Offer[], offer: Offer): Offer[] {
  return [...offers.filter((o) => o.reservation !== offer.reservation && o.conversation.id !== offer.conversation.id), offer].sort(
    (a, b) => Date.parse(a.expires_at) - Date.parse(b.expires_at),
  );
}

export function endOffer(offers: readonly Offer[], reservation: number): Offer[] {
  return offers.filter((o) => o.reservation !== reservation);
}

export function running(offers: readonly Offer[], now: number): Offer[] {
  return offers.filter((o) => Date.parse(o.expires_at) > now);
}

/** Seconds until `at`, never negative, rounded up: a countdown shows 1 until it is over. */
export function secondsLeft(at: string, now: number): number {
  const left = Math.ceil((Date.parse(at) - now) / 1000);
  return Number.isFinite(left) ? Math.max(0, left) : 0;
}

/** An own message or note that the server has not confirmed. */
export interface Draft {
  id: string;
  conversation: string;
  kind: "message" | "note";
  text: string;
  at: string;
  failed?: string;
}

/** A conversation as it is open on the screen. */
export interface Opened {
  detail: Detail;
  /** Whether something happened since the card was made. */
  stale: boolean;
}

/** A turn of the stream, for the open conversation. */
export function applyTurn(opened: Opened, turn: { conversation: Summary; messages: Message[]; seq: number }): Opened {
  if (opened.detail.conversation.id !== turn.conversation.id) return opened;
  const messages = merge(opened.detail.messages, turn.messages);
  const conversation = turn.conversation.seq >= opened.detail.conversation.seq ? turn.conversation : opened.detail.conversation;
  return { detail: { ...opened.detail, conversation, messages }, stale: true };
}

/** A fresh detail from the server joined with what the stream brought meanwhile. */
export function refresh(old: Opened | null, detail: Detail): Opened {
  if (old === null || old.detail.conversation.id !== detail.conversation.id) return { detail, stale: false };
  const messages = merge(detail.messages, old.detail.messages);
  if (detail.conversation.seq < old.detail.conversation.seq) {
    return { detail: { ...detail, conversation: old.detail.conversation, messages }, stale: true };
  }
  return { detail: { ...detail, messages }, stale: false };
}

/** Drafts whose message has arrived go. */
export function settle(drafts: readonly Draft[], messages: readonly Message[]): Draft[] {
  const arrived = new Set(messages.map((m) => m.client_id).filter((id) => id));
  return drafts.some((d) => arrived.has(d.id)) ? drafts.filter((d) => !arrived.has(d.id)) : (drafts as Draft[]);
}

/** Points of a sparkline, -1..1 from bottom to top, in a box of `width` by `height`. */
export function sparkline(values: readonly number[], width: number, height: number): string {
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  return values
    .map((v, i) => {
      const clamped = Math.max(-1, Math.min(1, v));
      return `${round(values.length > 1 ? i * step : width / 2)},${round(((1 - clamped) / 2) * height)}`;
    })
    .join(" ");
}

function round(n: number): number {
  return Math.round(n * 10) / 10;
}

/** Templates whose name or text holds all words that were typed. */
export function findTemplates(card: Pick<Card, "templates" | "opening">, typed: string): [string, string][] {
  const all: [string, string][] = [...(card.opening ? [["opening", card.opening] as [string, string]] : []), ...(card.templates ?? [])];
  const wanted = typed.toLowerCase().split(/\s+/).filter((w) => w !== "");
  return all.filter(([name, text]) => {
    const hay = `${name.replaceAll("_", " ")} ${text}`.toLowerCase();
    return wanted.every((w) => hay.includes(w));
  });
}

/** Whether something is due: `late`, `soon` (within a quarter of an hour), or neither. */
export function dueness(due: string | null, now: number): "late" | "soon" | "" {
  if (due === null) return "";
  const left = Date.parse(due) - now;
  return Number.isNaN(left) ? "" : left < 0 ? "late" : left < 15 * 60_000 ? "soon" : "";
}

export const EMPTY_DESK: Desk = { me: { available: false, present: false, load: 0, capacity: 0 }, queue: [], agents: [], teams: [] };

/** The last `count` hours up to `now`, those without news as zeros: the server sends only hours in which something happened. */
export function everyHour<T extends { at: string; opened: number; handed_over: number }>(hours: readonly T[], count: number, now: number): { at: string; opened: number; handed_over: number }[] {
  const hour = 3_600_000;
  const known = new Map(hours.map((h) => [Math.floor(Date.parse(h.at) / hour), h]));
  const last = Math.floor(now / hour);
  return Array.from({ length: count }, (_, i) => {
    const at = last - count + 1 + i;
    return known.get(at) ?? { at: new Date(at * hour).toISOString(), opened: 0, handed_over: 0 };
  });
}

/** What to say to somebody whom the identity provider sent back without a session. */
export function signInProblem(search: string): string | null {
  switch (new URLSearchParams(search).get("sign_in")) {
    case null: return null;
    case "unknown": return "You are signed in there, but you are no agent here. Ask an admin to add you.";
    case "expired": return "That took too long, or was begun in another window. Try again.";
    case "unavailable": return "The identity provider does not answer. Try again, or use your password.";
    default: return "The identity provider's answer was not accepted. Ask an admin; the audit log says why.";
  }
}
