// What a walk needs: the shop's order service and a daemon on free ports with a folder of their own, agents, and a browser.

import { spawn, spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = dirname(fileURLToPath(import.meta.url));
export const root = resolve(here, "../../..");
export const artefacts = join(root, "tests/artefacts/browser");

/** A built program: named by the environment, or the newest profile that was built. */
function program(name, variable) {
  const folder = process.env.CARGO_TARGET_DIR ?? join(root, "target");
  const places = [process.env[variable], join(folder, "debug", name), join(folder, "release", name)].filter(Boolean);
  const found = places.find((place) => existsSync(place));
  if (found === undefined) throw new Error(`${name} is not built; build it with cargo, or name it in ${variable}`);
  return found;
}

export async function freePort() {
  return new Promise((done, failed) => {
    const server = createServer();
    server.once("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

export async function until(what, check, ms = 20_000) {
  const end = Date.now() + ms;
  let last;
  for (;;) {
    try {
      const value = await check();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms${last ? ` (${last.message})` : ""}`);
    await new Promise((later) => setTimeout(later, 100));
  }
}

export const PASSWORD = "correct horse battery staple";

export class World {
  /** `origins`: pages of other origins that may show the widget. */
  static async start({ edit, origins = [] } = {}) {
    const world = new World();
    try {
      world.folder = await mkdtemp(join(tmpdir(), "flow-browser-"));
      world.bot = join(world.folder, "acme_store");
      await cp(join(root, "flows/acme_store"), world.bot, { recursive: true, filter: (path) => !path.includes("order_service") });
      // The walk must not depend on when it is taken: the teams are always open.
      await world.edit("routing.flow", (text) => text.replace(/^(\s+)hours (office|long_day)$/gm, "$1hours always"));
      if (edit) await edit(world);
      await writeFile(join(world.folder, "flow.toml"), `origins = ${JSON.stringify(origins)}\n`);
      world.log = "";
      world.shopPort = await freePort();
      world.port = await freePort();
      world.shop = spawn(program("acme-orders", "ACME_ORDERS"), ["--listen", `127.0.0.1:${world.shopPort}`], { stdio: ["ignore", "ignore", "inherit"] });
      await until("the order service", async () => (await fetch(`http://127.0.0.1:${world.shopPort}/orders/AB-123456`)).ok);
      await world.serve();
    } catch (error) {
      await world.stop();
      throw error;
    }
    return world;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  get environment() {
    return {
      ...process.env,
      FLOW_LISTEN: `127.0.0.1:${this.port}`,
      FLOW_DATA: join(this.folder, "data"),
      FLOW_EGRESS_ALLOW: `127.0.0.1:${this.shopPort}`,
      SHOP_URL: `http://127.0.0.1:${this.shopPort}`,
      SHOP_TOKEN: "shop",
      CRM_KEY: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    };
  }

  async edit(file, change) {
    const path = join(this.bot, file);
    await writeFile(path, change(await readFile(path, "utf8")));
  }

  agent(name, display, { team = "finance", role = "agent", languages = "en" } = {}) {
    const args = ["agent", "add", name, "--title", display, "--team", team, "--role", role, "--speaks", languages, "--password-stdin"];
    const added = spawnSync(program("flowd", "FLOWD"), args, { env: this.environment, input: `${PASSWORD}\n`, encoding: "utf8" });
    if (added.status !== 0) throw new Error(`flowd agent add: ${added.stderr}${added.stdout}`);
  }

  async serve() {
    const child = spawn(program("flowd", "FLOWD"), ["run", this.bot, "--config", join(this.folder, "flow.toml")], { env: this.environment, stdio: ["ignore", "pipe", "pipe"] });
    this.daemon = child;
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (this.log += data));
    let gone = false;
    child.on("exit", () => (gone = true));
    await until("the daemon", async () => {
      if (gone) throw new Error(`flowd ended: ${this.log}`);
      return (await fetch(`${this.url}/readyz`)).ok;
    });
  }

  /** As if the power were cut. */
  async kill() {
    const ended = new Promise((done) => this.daemon.once("exit", done));
    this.daemon.kill("SIGKILL");
    await ended;
  }

  async stop() {
    for (const child of [this.daemon, this.shop]) {
      if (child && child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((done) => child.once("exit", done));
        child.kill("SIGKILL");
        await ended;
      }
    }
    if (this.folder) await rm(this.folder, { recursive: true, force: true });
  }
}

export async function openBrowser() {
  await mkdir(artefacts, { recursive: true });
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync",
    ],
  });
}

/** A page in a browser profile of its own. What a page should never do is collected in `page.wrong`. */
export async function openPage(browser, url, { width = 1280, height = 800, dark = false, locale = "en-GB" } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? "dark" : "light", locale });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.wrong = [];
  page.on("pageerror", (error) => page.wrong.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => {
    page.wrong.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => {
    if (/Content Security Policy/i.test(message.text())) page.wrong.push(`policy: ${message.text()}`);
  });
  await page.goto(url);
  return page;
}

export async function shots(page, name) {
  const size = page.viewportSize();
  for (const [look, scheme] of [["light", "light"], ["dark", "dark"]]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.waitForTimeout(120);
    await page.screenshot({ path: join(artefacts, `${name}-desktop-${look}.png`) });
    await page.setViewportSize({ width: 375, height: 740 });
    await page.waitForTimeout(120);
    await page.screenshot({ path: join(artefacts, `${name}-phone-${look}.png`) });
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(size);
}
