// The script for other people's pages: a button in the corner that opens the chat above it. All of it stands in a shadow root, so neither
// side's styles reach the other. The page's policy must name this origin in `script-src`, `style-src` and `connect-src` (and `img-src`
// for pictures), and the daemon must name the page's origin in `origins`.
//
//   <script src="https://chat.example/widget.js" defer data-language="es" data-identity="eyJ.."></script>

import { useSignal } from "@preact/signals";
import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { api } from "../shared/http";
import { Icon } from "../shared/ui";
import { Chat, focusDraft } from "../widget/chat";
import { options, start } from "../widget/client";
import { strings } from "../widget/strings";

function Launcher({ label, closing }: { label: string; closing: string }) {
  const open = useSignal(false);
  const started = useRef(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = () => {
    open.value = false;
    button.current?.focus();
  };
  useEffect(() => {
    if (!open.value) return;
    // Only a chat that somebody opens is a conversation.
    if (!started.current) {
      started.current = true;
      void start().then(() => requestAnimationFrame(focusDraft));
    } else focusDraft();
  }, [open.value]);
  return (
    <>
      <button
        ref={button}
        type="button"
        class="launcher"
        aria-label={open.value ? closing : label}
        aria-expanded={open.value}
        onClick={() => (open.value ? close() : (open.value = true))}
      >
        <Icon name={open.value ? "close" : "chat"} />
      </button>
      <div
        class="panel"
        hidden={!open.value}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            event.stopPropagation();
            close();
          }
        }}
      >
        {started.current || open.value ? <Chat onClose={close} /> : null}
      </div>
    </>
  );
}

function mount(script: HTMLScriptElement): void {
  api.origin = new URL(script.src).origin;
  const { language, identity, label } = script.dataset;
  const spoken = language ?? document.documentElement.lang;
  if (spoken) options.language = spoken;
  if (identity) options.identity = identity;
  const words = strings(spoken || navigator.language);

  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = `${api.origin}/assets/chat.css`;
  const place = document.createElement("div");
  // Nothing is drawn before it can look as it should.
  sheet.addEventListener("load", () => render(<Launcher label={label ?? words.openChat} closing={words.closeChat} />, place));
  root.append(sheet, place);
  document.body.append(host);
}

const script = document.currentScript;
if (script instanceof HTMLScriptElement) {
  if (document.body === null) addEventListener("DOMContentLoaded", () => mount(script));
  else mount(script);
}
