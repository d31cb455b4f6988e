import assert from "node:assert/strict";
import { test } from "node:test";
import type { Card, Detail, Message, Offer, Summary } from "../shared/types";
import { addOffer, applyTurn, dueness, endOffer, everyHour, findTemplates, learn, mine, refresh, running, secondsLeft, settle, signInProblem, sparkline } from "./state";

function summary(id: string, more: Partial<Summary> = {}): Summary {
  return {
    id, stage: "with_agent", tier: "human", channel: "web", language: "en", customer: null, topic: null, team: null, priority: null, mood: null,
    agent: { id: "leo", name: "Leo" }, opened_at: "2026-03-02T10:00:00Z", escalated_at: null, queued_at: null, last_at: "2026-03-02T10:00:00Z",
    due: null, last_text: null, last_from: "agent", seq: 1, resolved: null, ...more,
  };
}

const message = (id: string, client_id?: string): Message => ({
  id, seq: Number(id.split(".")[0]), at: "", from: { who: "customer" }, kind: "customer", text: id, ...(client_id === undefined ? {} : { client_id }),
});

const offer = (reservation: number, expires_at: string, id = `c${reservation}`): Offer => ({ reservation, expires_at, conversation: summary(id), card: {} as Card });

function detail(seq: number, ids: string[]): Detail {
  return { conversation: summary("c", { seq }), messages: ids.map((id) => message(id)), card: {} as Card, offer: null, follow_ups: [], may: [] };
}

test("a late summary does not undo a newer one", () => {
  const known = learn(new Map(), [summary("a", { seq: 5, stage: "closed" })]);
  assert.equal(learn(known, [summary("a", { seq: 4 })]), known);
  assert.equal(learn(known, [summary("a", { seq: 5, stage: "queued" })]).get("a")?.stage, "queued");
});

test("mine: who waits for an answer comes first", () => {
  const all = learn(new Map(), [
    summary("old", { last_from: "customer", last_at: "2026-03-02T09:00:00Z" }),
    summary("new", { last_at: "2026-03-02T11:00:00Z" }),
    summary("hers", { agent: { id: "mia", name: "Mia" } }),
    summary("over", { stage: "closed" }),
  ]);
  assert.deepEqual(mine(all, "leo").map((s) => s.id), ["old", "new"]);
});

test("offers: sent again on reconnecting they are still one; the one that ends first comes first", () => {
  let offers = addOffer([], offer(2, "2026-03-02T10:00:30Z"));
  offers = addOffer(offers, offer(1, "2026-03-02T10:00:10Z"));
  offers = addOffer(offers, offer(2, "2026-03-02T10:00:30Z"));
  assert.deepEqual(offers.map((o) => o.reservation), [1, 2]);
  offers = addOffer(offers, offer(3, "2026-03-02T10:01:00Z", "c2"));
  assert.deepEqual(offers.map((o) => o.reservation), [1, 3], "a new offer of a conversation replaces the old");
  assert.deepEqual(running(offers, Date.parse("2026-03-02T10:00:20Z")).map((o) => o.reservation), [3]);
  assert.deepEqual(endOffer(offers, 3).map((o) => o.reservation), [1]);
});

test("a countdown shows 1 until it is over", () => {
  const at = "2026-03-02T10:00:30Z";
  assert.equal(secondsLeft(at, Date.parse(at) - 30_000), 30);
  assert.equal(secondsLeft(at, Date.parse(at) - 1), 1);
  assert.equal(secondsLeft(at, Date.parse(at)), 0);
  assert.equal(secondsLeft(at, Date.parse(at) + 5000), 0);
  assert.equal(secondsLeft("nonsense", 0), 0);
});

test("the stream and a fresh detail meet in any order, nothing lost or doubled", () => {
  const opened = refresh(null, detail(2, ["1.1", "2.1"]));
  const turn = { conversation: summary("c", { seq: 3 }), messages: [message("3.1")], seq: 3 };
  const after = applyTurn(applyTurn(opened, turn), turn);
  assert.deepEqual(after.detail.messages.map((m) => m.id), ["1.1", "2.1", "3.1"]);
  assert.ok(after.stale);
  const late = refresh(after, detail(2, ["1.1", "2.1"]));
  assert.deepEqual(late.detail.messages.map((m) => m.id), ["1.1", "2.1", "3.1"]);
  assert.equal(late.detail.conversation.seq, 3);
  assert.ok(late.stale, "an answer older than the stream leaves it stale");
  assert.ok(!refresh(after, detail(3, ["1.1", "2.1", "3.1"])).stale);
  assert.equal(applyTurn(opened, { ...turn, conversation: summary("other") }), opened);
});

test("drafts go when their message is there", () => {
  const drafts = [{ id: "a", conversation: "c", kind: "message", text: "x", at: "" } as const, { id: "b", conversation: "c", kind: "note", text: "y", at: "" } as const];
  assert.deepEqual(settle(drafts, [message("1.1", "a")]).map((d) => d.id), ["b"]);
  assert.equal(settle(drafts, [message("1.1")]), drafts);
});

test("the sparkline stays in its box", () => {
  assert.equal(sparkline([1, 0, -1], 100, 20), "0,0 50,10 100,20");
  assert.equal(sparkline([5, -5], 10, 10), "0,0 10,10");
  assert.equal(sparkline([0], 10, 10), "5,5");
  assert.equal(sparkline([], 10, 10), "");
});

test("templates are found by the words typed", () => {
  const card = { opening: "Hi Ana, I'm Leo.", templates: [["refund_done", "Your refund is on its way."], ["parcel_search", "We look for the parcel."]] as [string, string][] };
  assert.deepEqual(findTemplates(card, "").map(([n]) => n), ["opening", "refund_done", "parcel_search"]);
  assert.deepEqual(findTemplates(card, "refund way").map(([n]) => n), ["refund_done"]);
  assert.deepEqual(findTemplates(card, "parcel search").map(([n]) => n), ["parcel_search"]);
  assert.deepEqual(findTemplates(card, "nothing"), []);
});

test("what is due", () => {
  const now = Date.parse("2026-03-02T10:00:00Z");
  assert.equal(dueness("2026-03-02T09:59:59Z", now), "late");
  assert.equal(dueness("2026-03-02T10:10:00Z", now), "soon");
  assert.equal(dueness("2026-03-02T11:00:00Z", now), "");
  assert.equal(dueness(null, now), "");
});

test("hours without news are zeros, older ones are left out", () => {
  const at = (h: string) => `2026-03-02T${h}:00:00Z`;
  const filled = everyHour([{ at: at("07"), opened: 9, handed_over: 9 }, { at: at("09"), opened: 2, handed_over: 1 }], 3, Date.parse(at("10")) + 60_000);
  assert.deepEqual(filled.map((h) => [Date.parse(h.at), h.opened]), [[Date.parse(at("08")), 0], [Date.parse(at("09")), 2], [Date.parse(at("10")), 0]]);
});

test("whoever comes back without a session is told why", () => {
  assert.equal(signInProblem(""), null);
  assert.equal(signInProblem("?x=1"), null);
  assert.match(signInProblem("?sign_in=unknown") ?? "", /no agent here/);
  assert.match(signInProblem("?sign_in=expired") ?? "", /Try again/);
  // A word that is new to this page is still said.
  assert.match(signInProblem("?sign_in=%3Cimg%3E") ?? "", /not accepted/);
});
