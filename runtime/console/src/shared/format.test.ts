import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, bytes, linkify, localeOf, percent, safeUrl, signed, span, value } from "./format";

test("only web links are links", () => {
  const base = "https://shop.example/chat";
  assert.equal(safeUrl("https://a.example/x", base), "https://a.example/x");
  assert.equal(safeUrl("/v1/files/c/f", base), "https://shop.example/v1/files/c/f");
  for (const bad of ["javascript:alert(1)", " jAvAsCrIpT:alert(1)", "java\nscript:alert(1)", "data:text/html,x", "blob:https://a/b", "vbscript:x", "file:///etc/passwd", "", null, undefined]) {
    assert.equal(safeUrl(bad, base), null, String(bad));
  }
});

test("links in a text leave the rest as it was", () => {
  const text = "See https://a.example/x?y=1. Or (http://b.example), not javascript:alert(1) <b>";
  const parts = linkify(text);
  assert.equal(parts.map((p) => p.text).join(""), text);
  assert.deepEqual(parts.filter((p) => p.href).map((p) => p.href), ["https://a.example/x?y=1", "http://b.example/"]);
  assert.deepEqual(linkify("nothing"), [{ text: "nothing" }]);
  assert.deepEqual(linkify(""), []);
});

test("spans", () => {
  assert.equal(span(0), "0 s");
  assert.equal(span(-5), "0 s");
  assert.equal(span(59.4), "59 s");
  assert.equal(span(60), "1 min");
  assert.equal(span(3599), "1 h");
  assert.equal(span(3600 * 2 + 300), "2 h 5 min");
  assert.equal(span(3600 * 72), "3 d");
  assert.equal(ago("2026-03-02T10:00:00Z", Date.parse("2026-03-02T10:02:00Z")), "2 min");
  assert.equal(ago(null, 0), "");
});

test("times are written as the visitor writes them, in the conversation's language", () => {
  assert.equal(localeOf("en", ["es-ES", "en-GB"]), "en-GB");
  assert.equal(localeOf("es", ["en-US"]), "es");
  assert.equal(localeOf("other", ["fr-FR"]), "fr-FR");
  assert.equal(localeOf("other", []), "en");
});

test("numbers", () => {
  assert.equal(percent(0.667), "67%");
  assert.equal(signed(-0.42), "\u221242%");
  assert.equal(signed(0.1), "+10%");
  assert.equal(signed(-0.001), "0%");
  assert.equal(bytes(999, "en"), "999 B");
  assert.equal(bytes(1042, "en"), "1 KB");
  assert.equal(bytes(10_485_760, "en"), "10 MB");
});

test("typed values as an author writes them", () => {
  assert.equal(value({ t: "percent", v: -0.6 }), "-60%");
  assert.equal(value({ t: "duration", v: 300_000 }), "5 min");
  assert.equal(value({ t: "money", v: { amount: "30.00", currency: "USD" } }), "30.00 USD");
  assert.equal(value({ t: "text", v: "a\"b" }), '"a\\"b"');
  assert.equal(value({ t: "list", v: [{ t: "enum", v: "free" }, { t: "bool", v: true }] }), "[free, true]");
  assert.equal(value({ t: "record", v: { id: { t: "text", v: "x" } } }), '{ id: "x" }');
  assert.equal(value({ t: "unknown" }), "unknown");
});
