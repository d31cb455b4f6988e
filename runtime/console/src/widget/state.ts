// What the widget shows, as data, and how it changes. Pure.

import { compareIds, merge } from "../shared/messages";
import type { Connection } from "../shared/stream";
import type { Message, View } from "../shared/types";

/** Something of the customer's that the server has not confirmed. */
export interface Pending {
  /** The id under which it is sent, again and again, until there is an answer. */
  id: string;
  kind: "text" | "button" | "code" | "file";
  /** What is shown. */
  text: string;
  /** A button's id. */
  button?: string;
  at: string;
  /** Why it will not be sent by itself any more. */
  failed?: string;
  /** Whether sending the same again may help. */
  again?: boolean;
}

export interface State {
  view: View | null;
  messages: Message[];
  pending: Pending[];
  connection: Connection;
  typing: boolean;
  /** The last sequence number that a view was taken from; an older view does not replace a newer one. */
  viewSeq: number;
}

export const EMPTY: State = { view: null, messages: [], pending: [], connection: "connecting", typing: false, viewSeq: 0 };

export type Action =
  | { do: "restore"; pending: Pending[] }
  | { do: "snapshot"; view: View; messages: Message[] }
  | { do: "view"; view: View }
  | { do: "messages"; messages: Message[] }
  | { do: "answered"; id: string; view: View; messages: Message[]; seq: number }
  | { do: "send"; pending: Pending }
  | { do: "failed"; id: string; why: string; again: boolean }
  | { do: "retry"; id: string }
  | { do: "discard"; id: string }
  | { do: "typing"; typing: boolean }
  | { do: "connection"; state: Connection };

function lastSeq(messages: readonly Message[]): number {
  return messages.at(-1)?.seq ?? 0;
}

/** Without those that are in the list by now: whichever of answer and stream came first. */
function unconfirmed(pending: readonly Pending[], messages: readonly Message[]): Pending[] {
  const arrived = new Set(messages.map((m) => m.client_id).filter((id) => id));
  return pending.filter((p) => !arrived.has(p.id));
}

function withMessages(state: State, incoming: readonly Message[]): State {
  const messages = merge(state.messages, incoming);
  const fromAgent = incoming.some((m) => m.from.who === "agent" && !state.messages.some((known) => known.id === m.id));
  return { ...state, messages, pending: unconfirmed(state.pending, messages), typing: fromAgent ? false : state.typing };
}

export function reduce(state: State, action: Action): State {
  switch (action.do) {
    case "restore":
      return { ...state, pending: unconfirmed(action.pending, state.messages) };
    case "snapshot": {
      const next = withMessages(state, action.messages);
      const seq = lastSeq(action.messages);
      return seq >= state.viewSeq ? { ...next, view: action.view, viewSeq: seq } : next;
    }
    case "view":
      // Views of the stream come in order and after what they follow from.
      return { ...state, view: action.view, viewSeq: Math.max(state.viewSeq, lastSeq(state.messages)) };
    case "messages":
      return withMessages(state, action.messages);
    case "answered": {
      const next = withMessages(state, action.messages);
      next.pending = next.pending.filter((p) => p.id !== action.id);
      return action.seq >= state.viewSeq ? { ...next, view: action.view, viewSeq: action.seq } : next;
    }
    case "send":
      return { ...state, pending: [...state.pending, action.pending] };
    case "failed":
      return {
        ...state,
        pending: state.pending.map((p) => (p.id === action.id ? { ...p, failed: action.why, again: action.again } : p)),
      };
    case "retry":
      return {
        ...state,
        pending: state.pending.map((p) => {
          if (p.id !== action.id) return p;
          const { failed: _failed, again: _again, ...rest } = p;
          return rest;
        }),
      };
    case "discard":
      return { ...state, pending: state.pending.filter((p) => p.id !== action.id) };
    case "typing":
      return { ...state, typing: action.typing };
    case "connection":
      return { ...state, connection: action.state, typing: action.state === "open" ? state.typing : false };
  }
}

/** The id of the message whose buttons answer the open question: the newest with buttons that the bot still asks about. */
export function askingMessage(state: State): string | null {
  const asked = new Set(state.view?.asks?.buttons?.map((b) => b.id) ?? []);
  for (let at = state.messages.length - 1; at >= 0; at -= 1) {
    const message = state.messages[at];
    if (message?.buttons?.some((b) => asked.has(b.id))) return message.id;
  }
  return null;
}

/** Where a stream that starts now should resume. */
export function resumeAt(state: State): string | null {
  let last: string | null = null;
  for (const message of state.messages) if (last === null || compareIds(message.id, last) > 0) last = message.id;
  return last;
}
