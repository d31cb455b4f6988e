// What a customer and an agent do with their pages.

import { PASSWORD, openPage } from "./world.mjs";

export class Customer {
  static async open(browser, world, options = {}) {
    const customer = new Customer();
    customer.page = await openPage(browser, `${world.url}/`, { width: 420, ...options });
    await customer.page.locator(".log").waitFor();
    return customer;
  }

  async says(text) {
    await this.page.locator("#draft").fill(text);
    await this.page.keyboard.press("Enter");
  }

  async presses(label) {
    await this.page.locator(".buttons:not(.old) button, .scale button").getByText(label, { exact: true }).last().click();
  }

  /** Waits until the last words of others hold `text`. */
  async reads(text) {
    await this.page.locator(".row:not(.customer) .bubble").filter({ hasText: text }).last().waitFor();
  }

  async status(text) {
    await this.page.locator(".status").filter({ hasText: text }).waitFor();
  }

  /** Everything on the page, as `who: text`. */
  async transcript() {
    return this.page.locator(".row").evaluateAll((rows) =>
      rows.map((row) => `${["customer", "bot", "model", "agent", "system"].find((who) => row.classList.contains(who))}: ${row.querySelector(".bubble .text")?.textContent ?? ""}`),
    );
  }

  async ids() {
    return this.page.locator(".row[data-id]").evaluateAll((rows) => rows.map((row) => row.dataset.id));
  }

  close() {
    return this.page.context().close();
  }
}

export class Agent {
  static async open(browser, world, name, options = {}) {
    const agent = new Agent();
    agent.page = await openPage(browser, `${world.url}/inbox`, options);
    await agent.page.getByLabel("Name").fill(name);
    await agent.page.getByLabel("Password").fill(PASSWORD);
    await agent.page.getByRole("button", { name: "Sign in" }).click();
    await agent.page.locator(".shell").waitFor();
    return agent;
  }

  async available() {
    const control = this.page.getByRole("switch");
    if ((await control.getAttribute("aria-checked")) !== "true") await control.click();
    await this.page.locator('[role="switch"][aria-checked="true"]').waitFor();
  }

  async accepts() {
    await this.page.locator(".offer").first().waitFor();
    await this.page.locator(".offer").first().getByRole("button", { name: "Accept" }).click();
    await this.page.getByRole("button", { name: "Resolve" }).waitFor();
  }

  async says(text) {
    await this.page.getByLabel("Message to the customer").fill(text);
    await this.page.keyboard.press("Enter");
  }

  async reads(text) {
    await this.page.locator(".transcript .line").filter({ hasText: text }).first().waitFor();
  }

  async lines() {
    return this.page.locator(".transcript .line").evaluateAll((lines) => lines.map((line) => line.querySelector(".said .text")?.textContent ?? ""));
  }

  async resolves(summary) {
    await this.page.getByRole("button", { name: "Resolve" }).click();
    await this.page.locator("dialog textarea").fill(summary);
    await this.page.locator("dialog").getByRole("button", { name: "Resolve" }).click();
    await this.page.locator("dialog").waitFor({ state: "detached" });
  }

  close() {
    return this.page.context().close();
  }
}
