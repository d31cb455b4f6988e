// A customer and an agent in real browsers against the real daemon: from the first question to the survey, through a power cut, with
// hostile texts, and with a checker of accessibility.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { Agent, Customer } from "./lib/people.mjs";
import { World, freePort, openBrowser, openPage, shots, until } from "./lib/world.mjs";

let browser;
before(async () => {
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
});

async function withWorld(walk, options) {
  const world = await World.start(options);
  try {
    world.agent("leo", "Leo Perez", { team: "finance" });
    world.agent("mia", "Mia Wong", { team: "support", role: "lead" });
    await walk(world);
  } catch (error) {
    error.message += `\n--- flowd ---\n${world.log.slice(-4000)}`;
    throw error;
  } finally {
    await world.stop();
  }
}

function once(list, what) {
  const twice = list.filter((item, at) => list.indexOf(item) !== at);
  assert.deepEqual(twice, [], what);
}

/** Up to the point where the agent has the conversation. */
async function escalate(customer, agent) {
  await agent.available();
  await customer.reads("What can I help with?");
  await customer.says("Where is my order");
  await customer.reads("What's your order number?");
  await customer.says("AB-123456");
  await customer.reads("Your order is on its way and arrives on");
  await customer.says("my invoice is wrong, I was charged twice");
  await customer.reads("Which invoice is it about?");
  await customer.says("THIS IS USELESS, you never help me!!");
  await customer.reads("What is it about?");
}

async function wellBehaved(...people) {
  for (const person of people) assert.deepEqual(person.page.wrong, []);
}

test("from the first question to the survey", { timeout: 180_000 }, () =>
  withWorld(async (world) => {
    const customer = await Customer.open(browser, world);
    const agent = await Agent.open(browser, world, "leo");
    await customer.reads("Hi! I'm Acme's assistant.");
    await shots(customer.page, "1-greeting");
    await escalate(customer, agent);
    await customer.status(/number 1|finding someone/);
    await shots(customer.page, "2-waiting");
    await agent.page.locator(".offer").waitFor();
    await shots(agent.page, "3-offer");
    await customer.presses("Billing");
    await customer.reads("What's your name?");
    await customer.says("Ana");
    await agent.accepts();
    await customer.reads("You're now with Leo Perez.");

    const card = agent.page.locator(".side .card");
    await agent.reads("THIS IS USELESS, you never help me!!");
    for (const line of ["Where is my order", "AB-123456", "my invoice is wrong, I was charged twice"]) await agent.reads(line);
    await until("the card", async () => {
      const text = await card.innerText();
      return /AB-123456/.test(text) && /Ana/.test(text);
    });
    const text = await card.innerText();
    assert.match(text, /angry|unhappy/, "mood");
    assert.match(text, /frustrated/, "rule");
    assert.match(text, /escalations\.flow:\d+/, "where the rule is written");
    assert.match(text, /sentiment\s+-\d+/, "what it read");
    assert.match(text, /routing\.flow:\d+/, "where the row is written");
    assert.match(text, /billing/i, "the category that was asked for");
    assert.match(text, /unproven/, "a claimed name is marked");
    assert.doesNotMatch(text, /missing/, "nothing required is missing");
    await shots(agent.page, "4-card");

    await agent.says("Hi Ana, I see the invoice.");
    await customer.reads("Hi Ana, I see the invoice.");
    await customer.says("thank you");
    await agent.reads("thank you");
    await customer.page.locator(".with").filter({ hasText: "Leo Perez" }).waitFor();
    await shots(customer.page, "5-with-agent");

    await agent.page.getByRole("tab", { name: "Why" }).click();
    await agent.page.locator(".why .escalation").first().waitFor();
    assert.match(await agent.page.locator(".why").innerText(), /Rule frustrated held\s+\S*escalations\.flow:\d+/);
    await shots(agent.page, "6-why");
    await agent.page.getByRole("tab", { name: "Chat" }).click();

    await agent.resolves("Credited the duplicate charge");
    await customer.reads("How did we do");
    await shots(customer.page, "7-survey");
    await customer.presses("5");
    await customer.reads("Thank you");
    await customer.page.locator(".ended").waitFor();

    // A reload goes on with the same conversation.
    const ids = await customer.ids();
    const said = await customer.transcript();
    await customer.page.reload();
    await customer.reads("Thank you");
    assert.deepEqual(await customer.ids(), ids);
    assert.deepEqual(await customer.transcript(), said);
    once(ids, "ids on the customer's page");
    await wellBehaved(customer, agent);
    await customer.close();
    await agent.close();
  }),
);

test("a power cut in the middle: it goes on where it was, nothing lost, nothing doubled", { timeout: 180_000 }, () =>
  withWorld(async (world) => {
    const customer = await Customer.open(browser, world);
    const agent = await Agent.open(browser, world, "leo");
    await escalate(customer, agent);
    await agent.accepts();
    await customer.reads("You're now with Leo Perez.");
    await agent.says("Before the cut.");
    await customer.reads("Before the cut.");
    const seen = await customer.transcript();

    await world.kill();
    await customer.page.locator(".banner").filter({ hasText: "Connection lost" }).waitFor();
    await agent.page.locator(".banner").filter({ hasText: "Connection lost" }).waitFor();
    await customer.says("Written while it was down.");
    await customer.page.locator(".row.pending").filter({ hasText: "Written while it was down." }).waitFor();
    await shots(customer.page, "8-connection-lost");
    await world.serve();

    await customer.page.locator(".row.pending").waitFor({ state: "detached", timeout: 30_000 });
    await agent.reads("Written while it was down.");
    await agent.says("After the cut.");
    await customer.reads("After the cut.");
    const now = await customer.transcript();
    assert.deepEqual(now.slice(0, seen.length), seen, "what was there is still there");
    for (const line of ["customer: Written while it was down.", "agent: Before the cut.", "agent: After the cut."]) {
      assert.equal(now.filter((l) => l === line).length, 1, `${line} in\n${now.join("\n")}`);
    }
    once(await customer.ids(), "ids on the customer's page");
    const lines = await agent.lines();
    for (const line of ["Before the cut.", "Written while it was down.", "After the cut."]) assert.equal(lines.filter((l) => l === line).length, 1, line);
    await agent.resolves("Done");
    await customer.reads("How did we do");
    await wellBehaved(customer, agent);
    await customer.close();
    await agent.close();
  }),
);

test("hostile texts are inert on both pages", { timeout: 120_000 }, () =>
  withWorld(async (world) => {
    const evil = [
      '<img src=x onerror="alert(1)">',
      "<script>alert(2)</script>",
      "javascript:alert(3)",
      "[click](javascript:alert(4))",
      '"><svg onload=alert(5)>',
      "\u202Egnp.exe\u202C \u0000 data:text/html,<script>alert(6)</script>",
    ];
    const customer = await Customer.open(browser, world);
    const agent = await Agent.open(browser, world, "leo");
    await escalate(customer, agent);
    await agent.accepts();
    await customer.reads("You're now with Leo Perez.");
    for (const text of evil) await customer.says(text.replace("\u0000", ""));
    await customer.page.locator('input[type="file"]').setInputFiles({ name: '<img src=x onerror=alert(7)>.html', mimeType: "text/html", buffer: Buffer.from("<script>alert(8)</script>") });
    await agent.reads("alert(5)");
    await agent.reads("onerror=alert(7)");
    await agent.says(evil[0]);
    await agent.says(`see ${evil[2]} or https://acme.example/returns`);
    await customer.reads("https://acme.example/returns");
    await customer.reads("onerror=\"alert(1)\"");
    for (const { page } of [customer, agent]) {
      const found = await page.evaluate(() => ({
        elements: document.querySelectorAll("#app img:not([src^='http']):not([src^='/']), #app script, #app iframe, #app object, #app [onerror], #app [onload]").length,
        links: [...document.querySelectorAll("#app a[href]")].map((a) => ({ href: a.href, rel: a.rel, target: a.target })),
      }));
      assert.equal(found.elements, 0);
      for (const link of found.links) {
        assert.match(link.href, /^https?:/);
        if (link.target === "_blank") assert.match(link.rel, /noopener/);
      }
      // What was written is there to read, letter by letter.
      const text = await page.locator("#app").innerText();
      for (const line of evil.slice(0, 5)) assert.ok(text.includes(line), line);
    }
    // A file that could run comes as a download, whoever opens it.
    const href = await customer.page.locator("a.file").last().getAttribute("href");
    const file = await fetch(new URL(href, world.url));
    assert.equal(file.status, 200);
    assert.match(file.headers.get("content-disposition") ?? "", /^attachment/);
    assert.equal(file.headers.get("x-content-type-options"), "nosniff");
    await wellBehaved(customer, agent);
    await customer.close();
    await agent.close();
  }),
);

test("the widget on a page of another origin, under a strict policy", { timeout: 120_000 }, async () => {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  await withWorld(
    async (world) => {
      const policy = `default-src 'none'; script-src ${world.url}; style-src ${world.url}; connect-src ${world.url}; img-src ${world.url}`;
      const shop = createServer((_request, response) => {
        response.writeHead(200, { "content-type": "text/html", "content-security-policy": policy });
        response.end(`<!doctype html><html lang="es"><title>Shop</title><main><h1>Shop</h1></main><script src="${world.url}/widget.js" defer></script></html>`);
      });
      await new Promise((ready) => shop.listen(port, "127.0.0.1", ready));
      try {
        const page = await openPage(browser, `${origin}/cart?coupon=secret`);
        const button = page.getByRole("button", { name: "Abrir el chat" });
        await button.click();
        await page.locator(".row.bot").filter({ hasText: "¿En qué puedo ayudarte?" }).waitFor();
        await page.locator("#draft").fill("dónde está mi pedido");
        await page.keyboard.press("Enter");
        await page.locator(".row.bot").filter({ hasText: "¿Cuál es tu número de pedido?" }).waitFor();
        await shots(page, "9-embedded");
        await page.keyboard.press("Escape");
        await page.locator(".panel").waitFor({ state: "hidden" });
        await page.reload();
        await button.click();
        await page.locator(".row.bot").filter({ hasText: "¿Cuál es tu número de pedido?" }).waitFor();
        assert.deepEqual(page.wrong, []);
        await page.context().close();
      } finally {
        shop.closeAllConnections();
        shop.close();
      }
    },
    { origins: [origin] },
  );
});

test("a lead: a broken edit is told at once, notes stay inside, a transfer and a return arrive, numbers add up", { timeout: 180_000 }, () =>
  withWorld(async (world) => {
    const customer = await Customer.open(browser, world);
    const leo = await Agent.open(browser, world, "leo");
    const mia = await Agent.open(browser, world, "mia");
    const go = (hash) => mia.page.evaluate((to) => (location.hash = to), hash);

    await go("#/program");
    await mia.page.locator(".state-good").waitFor();
    let good;
    await world.edit("track.flow", (text) => ((good = text), text.replace("visit missing_parcel", "visit missing_parcl")));
    await mia.page.locator(".findings").filter({ hasText: "missing_parcl" }).waitFor();
    await mia.page.locator(".top .tag").filter({ hasText: "refused" }).waitFor();
    assert.match(await mia.page.locator(".findings").innerText(), /F0201[\s\S]*track\.flow:\d+:\d+/);
    await shots(mia.page, "10-refused-edit");
    await world.edit("track.flow", () => good);
    await mia.page.locator(".state-good").waitFor();

    await escalate(customer, leo);
    await leo.accepts();
    await customer.reads("You're now with Leo Perez.");
    await leo.page.getByRole("button", { name: "Note", exact: true }).click();
    await leo.page.getByLabel("Note for the team").fill("Second double charge this month.");
    await leo.page.keyboard.press("Enter");
    await leo.page.locator(".line.note").filter({ hasText: "Second double charge" }).waitFor();
    await leo.page.getByRole("button", { name: "Message", exact: true }).click();

    await mia.available();
    await leo.page.getByRole("button", { name: "Transfer" }).click();
    await leo.page.locator("dialog select").selectOption("support");
    await leo.page.locator("dialog textarea").fill("Not about money after all");
    await leo.page.locator("dialog").getByRole("button", { name: "Transfer" }).click();
    await mia.accepts();
    await mia.reads("Second double charge this month.");
    await mia.reads("THIS IS USELESS, you never help me!!");
    await customer.reads("You're now with Mia Wong.");
    await mia.page.getByRole("button", { name: "To the bot" }).click();
    await mia.page.locator("dialog textarea").fill("Only wants tracking");
    await mia.page.locator("dialog").getByRole("button", { name: "Back to the bot" }).click();
    await until("the bot's question again", async () => (await customer.transcript()).at(-1) === "bot: What can I help with?");
    assert.ok(!(await customer.transcript()).some((line) => line.includes("Second double charge")), "a note is not for customers");

    await go("#/dashboard");
    await mia.page.locator(".figures").waitFor();
    assert.match(await mia.page.locator(".figures").innerText(), /Conversations\s+1\s/);
    assert.match(await mia.page.locator(".page").innerText(), /frustrated\s+1/);
    await shots(mia.page, "11-dashboard");
    await wellBehaved(customer, leo, mia);
    await customer.close();
    await leo.close();
    await mia.close();
  }),
);

test("no inline script or style is allowed on any page", { timeout: 60_000 }, () =>
  withWorld(async (world) => {
    for (const path of ["/", "/inbox"]) {
      const response = await fetch(world.url + path);
      const policy = response.headers.get("content-security-policy") ?? "";
      assert.match(policy, /default-src 'none'/);
      assert.doesNotMatch(policy, /unsafe/);
      const html = await response.text();
      assert.doesNotMatch(html, /<style|\sstyle=|<script(?![^>]*\ssrc=)|\son\w+=/i);
    }
  }),
);

test("accessibility of every page", { timeout: 180_000 }, () =>
  withWorld(async (world) => {
    const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    const problems = [];
    async function check(page, where) {
      await page.evaluate(axe);
      for (const scheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
        await page.waitForTimeout(100);
        const { violations } = await page.evaluate(() =>
          globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
        );
        for (const v of violations) problems.push(`${where} (${scheme}): ${v.id}: ${v.nodes.map((n) => `${n.target.join(" ")} ${n.failureSummary}`).join(" | ")}`);
      }
    }
    const customer = await Customer.open(browser, world, { width: 375, height: 740 });
    await customer.reads("What can I help with?");
    await check(customer.page, "widget, greeting");
    const lead = await Agent.open(browser, world, "mia");
    for (const page of ["#/", "#/follow-ups", "#/dashboard", "#/program"]) {
      await lead.page.evaluate((hash) => (location.hash = hash), page);
      await lead.page.waitForTimeout(400);
      await check(lead.page, `inbox ${page}`);
    }
    await lead.close();
    const agent = await Agent.open(browser, world, "leo");
    await escalate(customer, agent);
    await check(customer.page, "widget, waiting");
    await agent.page.locator(".offer").waitFor();
    await check(agent.page, "inbox, offer");
    await agent.accepts();
    await check(agent.page, "inbox, conversation");
    await agent.page.setViewportSize({ width: 375, height: 740 });
    await check(agent.page, "inbox, conversation on a phone");
    await agent.page.getByRole("tab", { name: "Card" }).click();
    await check(agent.page, "inbox, card on a phone");
    await agent.page.getByRole("button", { name: "Resolve" }).click();
    await check(agent.page, "inbox, dialog");
    assert.deepEqual(problems, []);
    await customer.close();
    await agent.close();
  }),
);
