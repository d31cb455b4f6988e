// Server-sent events, parsed from a response's bytes. Not `EventSource`: that one hides comments, and without them nobody can tell a quiet
// stream from a dead one.

export interface SseEvent {
  event: string;
  data: string;
  /** Absent where the event carried none. */
  id?: string;
}

export interface SseParser {
  /** Takes the next piece of text, however it was cut, and calls back for each event that is complete. */
  push(text: string): void;
}

/** A parser after the HTML standard. `onRetry` gets the server's wish in milliseconds. */
export function sseParser(onEvent: (event: SseEvent) => void, onRetry?: (ms: number) => void): SseParser {
  let buffer = "";
  let event = "";
  let data: string[] = [];
  let id: string | undefined;
  let first = true;

  function line(text: string): void {
    if (text === "") {
      if (data.length > 0) {
        const done: SseEvent = { event: event === "" ? "message" : event, data: data.join("\n") };
        if (id !== undefined) done.id = id;
        onEvent(done);
      }
      event = "";
      data = [];
      id = undefined;
      return;
    }
    if (text.startsWith(":")) return;
    const colon = text.indexOf(":");
    const field = colon === -1 ? text : text.slice(0, colon);
    let value = colon === -1 ? "" : text.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "event") event = value;
    else if (field === "data") data.push(value);
    else if (field === "id" && !value.includes("\0")) id = value;
    else if (field === "retry" && /^[0-9]+$/.test(value)) onRetry?.(Number(value));
  }

  return {
    push(text) {
      buffer += text;
      if (first && buffer.length > 0) {
        if (buffer.startsWith("\uFEFF")) buffer = buffer.slice(1);
        first = false;
      }
      for (;;) {
        const at = buffer.search(/[\r\n]/);
        if (at === -1) return;
        // A `\r` at the very end may be the first half of `\r\n`.
        if (buffer[at] === "\r" && at === buffer.length - 1) return;
        const width = buffer[at] === "\r" && buffer[at + 1] === "\n" ? 2 : 1;
        line(buffer.slice(0, at));
        buffer = buffer.slice(at + width);
      }
    },
  };
}
