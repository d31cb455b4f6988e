// The page of the chat, alone or inside the frame that `widget.js` puts on other pages.

import { render } from "preact";
import { Chat } from "./chat";
import { start } from "./client";

const framed = window.parent !== window;

function close(): void {
  // Nothing but the wish leaves the frame, so it does not matter who hears it.
  window.parent.postMessage({ flow: "close" }, "*");
}

document.documentElement.classList.toggle("framed", framed);
const app = document.getElementById("app");
if (app !== null) render(<Chat framed={framed} onClose={close} />, app);
if (framed) addEventListener("keydown", (event) => event.key === "Escape" && close());
addEventListener("message", (event) => {
  if (event.source === window.parent && (event.data as { flow?: unknown } | null)?.flow === "opened") document.getElementById("draft")?.focus();
});
void start();
