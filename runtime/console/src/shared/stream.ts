// A stream that stays: reconnects with growing pauses, resumes after the last event seen, and notices when the line is dead.

import { sseParser, type SseEvent } from "./sse";

export type Connection = "connecting" | "open" | "lost";

export interface StreamOptions {
  url: string;
  headers?: () => Record<string, string>;
  /** Where to go on; `null`: from where the server begins by itself. */
  after: string | null;
  onEvent: (event: SseEvent) => void;
  onConnection: (state: Connection) => void;
  /** The server said no for good (the status). The stream has stopped. */
  onRefused: (status: number) => void;
}

export interface Stream {
  close(): void;
  /** Tries again at once if it is waiting to. */
  nudge(): void;
}

/** When neither an event nor a comment came for so long, the line is taken for dead. */
const SILENCE_MS = 40_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/** The pause before attempt `n` (from 0), between half and all of a doubling time, so that many clients do not return at once. */
export function pause(n: number, random: number): number {
  const full = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(n, 10));
  return Math.round(full * (0.5 + random / 2));
}

/** Whether asking again may help. */
export function mayRetry(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

export function openStream(options: StreamOptions): Stream {
  let last = options.after;
  let failures = 0;
  let closed = false;
  let wish: number | null = null;
  let abort: AbortController | null = null;
  let wake: (() => void) | null = null;

  async function once(): Promise<boolean> {
    abort = new AbortController();
    const controller = abort;
    let timer = setTimeout(() => controller.abort(), SILENCE_MS);
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => controller.abort(), SILENCE_MS);
    };
    try {
      const headers: Record<string, string> = { accept: "text/event-stream", ...options.headers?.() };
      if (last !== null) headers["last-event-id"] = last;
      const response = await fetch(options.url, { headers, signal: controller.signal, cache: "no-store" });
      if (!response.ok || response.body === null) {
        if (!mayRetry(response.status)) {
          closed = true;
          options.onRefused(response.status);
        }
        const after = Number(response.headers.get("retry-after"));
        if (Number.isFinite(after) && after > 0) wish = Math.min(after, 60) * 1000;
        return false;
      }
      failures = 0;
      options.onConnection("open");
      const decoder = new TextDecoder();
      const parser = sseParser(
        (event) => {
          if (event.event === "bye") {
            wish = byeWish(event.data);
          } else {
            options.onEvent(event);
          }
          // Only after it was taken in: an event is never skipped, at worst seen twice.
          if (event.id !== undefined) last = event.id;
        },
        (ms) => {
          wish = Math.min(ms, 60_000);
        },
      );
      const reader = response.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return true;
        alive();
        parser.push(decoder.decode(value, { stream: true }));
      }
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
      controller.abort();
    }
  }

  async function run(): Promise<void> {
    options.onConnection("connecting");
    while (!closed) {
      await once();
      if (closed) break;
      options.onConnection("lost");
      const wait = wish ?? pause(failures, Math.random());
      wish = null;
      failures += 1;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, wait);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      wake = null;
    }
  }

  const online = () => wake?.();
  globalThis.addEventListener?.("online", online);
  void run();

  return {
    close() {
      closed = true;
      globalThis.removeEventListener?.("online", online);
      abort?.abort();
      wake?.();
    },
    nudge: () => wake?.(),
  };
}

function byeWish(data: string): number | null {
  try {
    const ms = (JSON.parse(data) as { retry_ms?: unknown }).retry_ms;
    return typeof ms === "number" && ms >= 0 ? Math.min(ms, 60_000) : null;
  } catch {
    return null;
  }
}
