import assert from "node:assert/strict";
import { test } from "node:test";
import { sseParser, type SseEvent } from "./sse";

function parse(pieces: string[]): SseEvent[] {
  const out: SseEvent[] = [];
  const parser = sseParser((event) => out.push(event));
  for (const piece of pieces) parser.push(piece);
  return out;
}

const TEXT = ": hello\n\nevent: message\nid: 7.1\ndata: {\"a\":1}\n\nevent: view\ndata: a\ndata: b\n\ndata:x\r\n\r\nid: 9\n\nevent: cut\ndata: no end";

test("events, comments, ids and several lines of data", () => {
  assert.deepEqual(parse([TEXT]), [
    { event: "message", id: "7.1", data: '{"a":1}' },
    { event: "view", data: "a\nb" },
    { event: "message", data: "x" },
  ]);
});

test("however the bytes are cut, the events are the same", () => {
  const whole = parse([TEXT]);
  for (let at = 0; at <= TEXT.length; at += 1) {
    assert.deepEqual(parse([TEXT.slice(0, at), TEXT.slice(at)]), whole, `cut at ${at}`);
  }
  assert.deepEqual(parse([...TEXT]), whole);
});

test("the retry wish is passed on, nonsense is not", () => {
  const wishes: number[] = [];
  const parser = sseParser(() => {}, (ms) => wishes.push(ms));
  parser.push("retry: 2500\nretry: soon\n\n");
  assert.deepEqual(wishes, [2500]);
});
