import assert from "node:assert/strict";
import { test } from "node:test";
import { strings, waiting } from "./strings";

test("languages with and without a region, unknown ones in English", () => {
  assert.equal(strings("es-MX").send, "Enviar");
  assert.equal(strings("ES").send, "Enviar");
  assert.equal(strings("other").send, "Send");
  assert.equal(strings("").send, "Send");
});

test("the wait is never more exact than what is known", () => {
  const en = strings("en");
  assert.equal(waiting(en, 140, [80, 260]), "Estimated wait: 1 min to 4 min");
  assert.equal(waiting(en, 140, [170, 190]), "Estimated wait: about 3 min");
  assert.equal(waiting(en, 140, null), "Estimated wait: about 2 min");
  assert.equal(waiting(en, null, null), en.waitUnknown);
  assert.equal(waiting(en, undefined, undefined), en.waitUnknown);
});

test("every text is translated", () => {
  const en = strings("en");
  const es = strings("es");
  for (const key of Object.keys(en) as (keyof typeof en)[]) {
    assert.equal(typeof es[key], typeof en[key], key);
    if (typeof en[key] === "string" ) assert.notEqual(es[key], en[key], key);
  }
});
