// The page of the chat.

import { render } from "preact";
import { Chat } from "./chat";
import { options, start } from "./client";

// Behind the `#`, so that a signed login reaches no server's log.
const wanted = new URLSearchParams(location.hash.slice(1));
for (const name of ["language", "page", "identity"] as const) {
  const value = wanted.get(name);
  if (value !== null) options[name] = value;
}
const app = document.getElementById("app");
if (app !== null) render(<Chat />, app);
void start();
