// One stream per browser: the tabs of one page elect a leader by a lock; it holds the connection and passes on what arrives. Where there
// are no locks (plain HTTP on a foreign host), every tab holds its own.

import { openStream, type Connection, type Stream, type StreamOptions } from "./stream";
import type { SseEvent } from "./sse";

type Note =
  | { kind: "event"; event: SseEvent }
  | { kind: "connection"; state: Connection }
  | { kind: "refused"; status: number }
  | { kind: "hello" };

export interface SharedOptions extends StreamOptions {
  /** The same in all tabs that may share. */
  name: string;
  /** Events without an id whose latest one a tab that joins needs: a name, or `null`. */
  keep: (event: SseEvent) => string | null;
}

export function openShared(options: SharedOptions): Stream {
  if (!("locks" in navigator) || typeof BroadcastChannel === "undefined") return openStream(options);
  const channel = new BroadcastChannel(options.name);
  const kept = new Map<string, SseEvent>();
  let last = options.after;
  let stream: Stream | null = null;
  let state: Connection = "connecting";
  let release: (() => void) | null = null;
  let closed = false;
  const say = (note: Note) => {
    if (!closed) channel.postMessage(note);
  };
  const take = (event: SseEvent) => {
    if (event.id !== undefined) last = event.id;
    options.onEvent(event);
  };

  channel.onmessage = ({ data }: MessageEvent<Note>) => {
    if (data.kind === "hello") {
      if (stream !== null) {
        say({ kind: "connection", state });
        for (const event of kept.values()) say({ kind: "event", event });
      }
    } else if (stream === null) {
      if (data.kind === "event") take(data.event);
      else if (data.kind === "connection") options.onConnection(data.state);
      else options.onRefused(data.status);
    }
  };

  options.onConnection("connecting");
  say({ kind: "hello" });
  void navigator.locks.request(options.name, () => {
    if (closed) return undefined;
    return new Promise<void>((resolve) => {
      release = resolve;
      stream = openStream({
        ...options,
        after: last,
        onEvent: (event) => {
          const key = options.keep(event);
          if (key !== null) kept.set(key, event);
          take(event);
          say({ kind: "event", event });
        },
        onConnection: (next) => {
          state = next;
          options.onConnection(next);
          say({ kind: "connection", state: next });
        },
        onRefused: (status) => {
          options.onRefused(status);
          say({ kind: "refused", status });
        },
      });
    });
  });

  return {
    close() {
      closed = true;
      stream?.close();
      channel.close();
      release?.();
    },
    nudge: () => stream?.nudge(),
  };
}
