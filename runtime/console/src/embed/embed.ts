// The script for other people's pages: a button in the corner that opens the chat in a frame. It touches nothing else of the page and
// sets its looks through properties, so that it works under a strict policy (`script-src` and `frame-src` must name this origin).
//
//   <script src="https://chat.example/widget.js" defer data-language="es" data-identity="eyJ.."></script>

(() => {
  const script = document.currentScript;
  if (!(script instanceof HTMLScriptElement)) return;
  const origin = new URL(script.src).origin;
  const options = new URLSearchParams();
  options.set("page", location.origin + location.pathname);
  const language = script.dataset["language"] ?? document.documentElement.lang;
  if (language) options.set("language", language);
  if (script.dataset["identity"]) options.set("identity", script.dataset["identity"]);
  const spanish = (language || navigator.language).toLowerCase().startsWith("es");
  const label = script.dataset["label"] ?? (spanish ? "Abrir el chat" : "Open chat");
  const closing = spanish ? "Cerrar el chat" : "Close chat";

  const narrow = matchMedia("(max-width: 480px)");
  let frame: HTMLIFrameElement | null = null;
  let open = false;

  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-label", label);
  button.setAttribute("aria-expanded", "false");
  Object.assign(button.style, {
    position: "fixed", insetInlineEnd: "20px", bottom: "20px", width: "56px", height: "56px", border: "0", borderRadius: "28px",
    background: "#0b6e5f", color: "#fff", cursor: "pointer", zIndex: "2147483646", display: "grid", placeItems: "center",
    boxShadow: "0 2px 12px rgb(0 0 0 / .25)", padding: "0",
  } satisfies Partial<CSSStyleDeclaration>);
  const space = "http://www.w3.org/2000/svg";
  const icon = document.createElementNS(space, "svg");
  for (const [name, value] of Object.entries({ viewBox: "0 0 24 24", width: "26", height: "26", "aria-hidden": "true" })) icon.setAttribute(name, value);
  const path = document.createElementNS(space, "path");
  for (const [name, value] of Object.entries({ d: "M4 5h16v11H9.5L5 20v-4H4V5Z", fill: "none", stroke: "currentColor", "stroke-width": "1.6", "stroke-linejoin": "round" })) path.setAttribute(name, value);
  icon.append(path);
  button.append(icon);

  function place(): void {
    if (frame === null) return;
    const full = narrow.matches;
    Object.assign(frame.style, {
      position: "fixed", border: "0", zIndex: "2147483647", colorScheme: "normal", background: "transparent",
      insetInlineEnd: full ? "0" : "20px", bottom: full ? "0" : "88px", width: full ? "100%" : "400px",
      height: full ? "100%" : "min(680px, calc(100vh - 108px))", borderRadius: full ? "0" : "14px",
      boxShadow: "0 8px 40px rgb(0 0 0 / .22)", display: open ? "block" : "none",
    } satisfies Partial<CSSStyleDeclaration>);
    button.style.display = open && full ? "none" : "grid";
  }

  function toggle(next: boolean): void {
    open = next;
    if (open && frame === null) {
      frame = document.createElement("iframe");
      frame.title = label;
      frame.src = `${origin}/#${options.toString()}`;
      frame.allow = "clipboard-write";
      document.body.append(frame);
    }
    button.setAttribute("aria-expanded", String(open));
    button.setAttribute("aria-label", open ? closing : label);
    place();
    if (open) {
      frame?.focus();
      frame?.contentWindow?.postMessage({ flow: "opened" }, origin);
    } else button.focus();
  }

  button.addEventListener("click", () => toggle(!open));
  addEventListener("message", (event) => {
    if (event.origin === origin && event.source === frame?.contentWindow && (event.data as { flow?: unknown } | null)?.flow === "close") toggle(false);
  });
  narrow.addEventListener("change", place);
  const mount = () => document.body.append(button);
  if (document.body === null) addEventListener("DOMContentLoaded", mount);
  else mount();
})();
