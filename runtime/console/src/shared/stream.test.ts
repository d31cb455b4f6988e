import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { mayRetry, openStream, pause } from "./stream";

test("pauses grow, have a limit and never reach zero", () => {
  assert.equal(pause(0, 1), 500);
  assert.equal(pause(1, 1), 1000);
  assert.equal(pause(99, 1), 15_000);
  assert.equal(pause(99, 0), 7_500);
  assert.ok(pause(0, 0) > 0);
});

test("which refusals are final", () => {
  for (const status of [500, 502, 503, 429, 408]) assert.ok(mayRetry(status));
  for (const status of [400, 401, 403, 404, 410]) assert.ok(!mayRetry(status));
});

test("a cut stream resumes after the last event taken in", async () => {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response: ServerResponse) => {
    asked.push(request.headers["last-event-id"] as string | undefined);
    response.writeHead(200, { "content-type": "text/event-stream" });
    if (asked.length === 1) {
      response.write("retry: 10\nid: 1.1\ndata: a\n\nid: 1.2\ndata: b\n\nid: 2.1\ndata: half");
      setTimeout(() => response.destroy(), 20);
    } else {
      response.write("id: 2.1\ndata: c\n\n");
    }
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const seen: string[] = [];
  const states: string[] = [];
  await new Promise<void>((done) => {
    const stream = openStream({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      after: null,
      onConnection: (state) => states.push(state),
      onRefused: () => assert.fail("refused"),
      onEvent: (event) => {
        seen.push(event.data);
        if (event.data === "c") {
          stream.close();
          done();
        }
      },
    });
  });
  server.closeAllConnections();
  server.close();
  assert.deepEqual(seen, ["a", "b", "c"]);
  assert.deepEqual(asked, [undefined, "1.2"]);
  assert.deepEqual(states, ["connecting", "open", "lost", "open"]);
});

test("a final refusal stops the stream and says so", async () => {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.writeHead(404).end();
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const status = await new Promise<number>((refused) => {
    openStream({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      after: "3.1",
      onConnection: () => {},
      onEvent: () => {},
      onRefused: refused,
    });
  });
  await new Promise((later) => setTimeout(later, 50));
  server.closeAllConnections();
  server.close();
  assert.equal(status, 404);
  assert.equal(asked, 1);
});
