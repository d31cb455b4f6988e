// The list of messages of a conversation: merged from answers, snapshots and the stream, each id once.

import type { Message } from "./types";

/** The order of two ids of the form `SEQ.N`. */
export function compareIds(a: string, b: string): number {
  const [aSeq = 0, aN = 0] = a.split(".").map(Number);
  const [bSeq = 0, bN = 0] = b.split(".").map(Number);
  return aSeq - bSeq || aN - bN;
}

/** `old` with `incoming`: each id once, in order. The same list is returned when nothing is new. */
export function merge(old: readonly Message[], incoming: readonly Message[]): Message[] {
  const known = new Set(old.map((m) => m.id));
  const fresh: Message[] = [];
  for (const message of incoming) {
    if (known.has(message.id)) continue;
    known.add(message.id);
    fresh.push(message);
  }
  if (fresh.length === 0) return old as Message[];
  return [...old, ...fresh].sort((a, b) => compareIds(a.id, b.id));
}
