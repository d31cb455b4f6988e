// Where a conversation's id, token and unsent messages outlive a reload.

import type { Pending } from "./state";

export interface Session {
  id: string;
  token: string;
}

const SESSION = "flow.chat.session";
const OUTBOX = "flow.chat.outbox";

function read<T>(key: string): T | null {
  try {
    const text = localStorage.getItem(key);
    return text === null ? null : (JSON.parse(text) as T);
  } catch {
    return null;
  }
}

function write(key: string, value: unknown): boolean {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    // Private windows and full disks: the chat goes on, it only forgets on a reload.
    return false;
  }
}

export function loadSession(): Session | null {
  const session = read<Session>(SESSION);
  return typeof session?.id === "string" && typeof session.token === "string" ? session : null;
}

export function saveSession(session: Session | null): boolean {
  return write(SESSION, session);
}

/** Unsent messages of a conversation. Files are not kept: a page cannot store what it may not read again. */
export function loadOutbox(conversation: string): Pending[] {
  const kept = read<{ conversation: string; pending: Pending[] }>(OUTBOX);
  return kept?.conversation === conversation && Array.isArray(kept.pending) ? kept.pending : [];
}

export function saveOutbox(conversation: string, pending: readonly Pending[]): void {
  const kept = pending.filter((p) => p.kind !== "file");
  write(OUTBOX, kept.length === 0 ? null : { conversation, pending: kept });
}
