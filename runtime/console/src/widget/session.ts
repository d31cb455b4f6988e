// Where a conversation's id, token and unsent messages outlive a reload.

import { api } from "../shared/http";
import type { Pending } from "./state";

export interface Session {
  id: string;
  token: string;
}

/** Chats of several shops on one page do not mix. */
function keyOf(name: string): string {
  return api.origin === location.origin ? `flow.chat.${name}` : `flow.chat.${name}@${api.origin}`;
}

function read<T>(name: string): T | null {
  try {
    const text = localStorage.getItem(keyOf(name));
    return text === null ? null : (JSON.parse(text) as T);
  } catch {
    return null;
  }
}

function write(name: string, value: unknown): boolean {
  try {
    if (value === null) localStorage.removeItem(keyOf(name));
    else localStorage.setItem(keyOf(name), JSON.stringify(value));
    return true;
  } catch {
    // Private windows and full disks: the chat goes on, it only forgets on a reload.
    return false;
  }
}

export function loadSession(): Session | null {
  const session = read<Session>("session");
  return typeof session?.id === "string" && typeof session.token === "string" ? session : null;
}

export function saveSession(session: Session | null): boolean {
  return write("session", session);
}

/** Unsent messages of a conversation. Files are not kept: a page cannot store what it may not read again. */
export function loadOutbox(conversation: string): Pending[] {
  const kept = read<{ conversation: string; pending: Pending[] }>("outbox");
  return kept?.conversation === conversation && Array.isArray(kept.pending) ? kept.pending : [];
}

export function saveOutbox(conversation: string, pending: readonly Pending[]): void {
  const kept = pending.filter((p) => p.kind !== "file");
  write("outbox", kept.length === 0 ? null : { conversation, pending: kept });
}
