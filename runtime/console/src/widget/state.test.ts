import assert from "node:assert/strict";
import { test } from "node:test";
import { compareIds, merge } from "../shared/messages";
import type { Message, View } from "../shared/types";
import { askingMessage, EMPTY, reduce, resumeAt, type Action, type Pending, type State } from "./state";

function message(id: string, more: Partial<Message> = {}): Message {
  return { id, seq: Number(id.split(".")[0]), at: "2026-03-02T10:00:00Z", from: { who: "bot" }, kind: "say", text: id, ...more };
}

function view(more: Partial<View> = {}): View {
  return {
    id: "c", title: "T", channel: "web", language: "en", tier: "bot", tier_kind: "scripted", stage: "scripted", thinking: false,
    agent: null, queue: null, menu: [], asks: null, ended: null, ...more,
  };
}

const pending = (id: string): Pending => ({ id, kind: "text", text: id, at: "2026-03-02T10:00:00Z" });

test("ids are ordered as numbers", () => {
  assert.ok(compareIds("9.1", "10.1") < 0);
  assert.ok(compareIds("2.10", "2.9") > 0);
  assert.equal(compareIds("3.1", "3.1"), 0);
});

test("each id once and in order, however often and in whatever order it comes", () => {
  const all = ["1.1", "1.2", "2.1", "10.1"].map((id) => message(id));
  let list: Message[] = [];
  for (const i of [2, 0, 2, 3, 1, 1, 0, 3]) list = merge(list, [all[i]!]);
  assert.deepEqual(list.map((m) => m.id), ["1.1", "1.2", "2.1", "10.1"]);
  assert.equal(merge(list, [all[0]!, all[3]!]), list, "nothing new: the same list");
  assert.deepEqual(merge([], [all[0]!, all[0]!]).length, 1);
});

test("a sent message is shown once: answer first, stream first, or both after a reload", () => {
  const own = message("2.1", { from: { who: "customer" }, kind: "customer", client_id: "m1" });
  const reply = message("2.2");
  const sent = reduce(EMPTY, { do: "send", pending: pending("m1") });
  const answer = { do: "answered", id: "m1", view: view(), messages: [own, reply], seq: 2 } satisfies Action;
  const stream = { do: "messages", messages: [own] } satisfies Action;
  for (const order of [[answer, stream], [stream, answer], [stream, stream, answer, answer]]) {
    let state: State = sent;
    for (const action of order) state = reduce(state, action);
    assert.deepEqual(state.pending, []);
    assert.deepEqual(state.messages.map((m) => m.id), ["2.1", "2.2"]);
  }
  const restored = reduce(reduce(EMPTY, { do: "messages", messages: [own] }), { do: "restore", pending: [pending("m1"), pending("m2")] });
  assert.deepEqual(restored.pending.map((p) => p.id), ["m2"]);
});

test("an older view does not replace a newer one", () => {
  let state = reduce(EMPTY, { do: "answered", id: "b", view: view({ stage: "queued" }), messages: [message("5.1")], seq: 5 });
  state = reduce(state, { do: "answered", id: "a", view: view({ stage: "scripted" }), messages: [message("4.1")], seq: 4 });
  assert.equal(state.view?.stage, "queued");
  state = reduce(state, { do: "snapshot", view: view({ stage: "scripted" }), messages: [message("4.1")] });
  assert.equal(state.view?.stage, "queued");
  state = reduce(state, { do: "view", view: view({ stage: "with_agent" }) });
  assert.equal(state.view?.stage, "with_agent");
});

test("failing and trying again keep the id", () => {
  let state = reduce(EMPTY, { do: "send", pending: pending("m1") });
  state = reduce(state, { do: "failed", id: "m1", why: "offline", again: true });
  assert.equal(state.pending[0]?.failed, "offline");
  state = reduce(state, { do: "retry", id: "m1" });
  assert.deepEqual(state.pending, [pending("m1")]);
  assert.deepEqual(reduce(state, { do: "discard", id: "m1" }).pending, []);
});

test("an agent's message ends the typing sign, and so does a lost line", () => {
  const typing = reduce(EMPTY, { do: "typing", typing: true });
  assert.equal(reduce(typing, { do: "messages", messages: [message("1.1", { from: { who: "agent" } })] }).typing, false);
  assert.equal(reduce(typing, { do: "messages", messages: [message("1.1")] }).typing, true);
  assert.equal(reduce(typing, { do: "connection", state: "lost" }).typing, false);
});

test("only the newest question that is still open is asked", () => {
  const buttons = [{ id: "b_1.1", label: "A" }];
  let state = reduce(EMPTY, { do: "messages", messages: [message("1.1", { buttons }), message("2.1", { buttons: [{ id: "b_2.1", label: "B" }] })] });
  assert.equal(askingMessage(state), null);
  state = reduce(state, { do: "view", view: view({ asks: { kind: "choice", buttons: [{ id: "b_2.1", label: "B" }] } }) });
  assert.equal(askingMessage(state), "2.1");
  assert.equal(resumeAt(state), "2.1");
  assert.equal(resumeAt(EMPTY), null);
});
