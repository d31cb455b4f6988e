// Small pieces that both pages use. Every text is drawn as text.

import { linkify, safeUrl } from "./format";
import { api } from "./http";

/** A link out of the page; a text where the address is none that may be opened. */
export function Out({ href, children, class: name }: { href: string | null | undefined; children: preact.ComponentChildren; class?: string }) {
  const safe = safeUrl(href, api.origin);
  if (safe === null) return <span class={name}>{children}</span>;
  return (
    <a class={name} href={safe} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

/** Plain text with its web links made clickable. `dir="auto"`: it may be written from the right. */
export function Text({ text, class: name }: { text: string; class?: string }) {
  return (
    <p class={name === undefined ? "text" : `text ${name}`} dir="auto">
      {linkify(text).map((part, i) =>
        part.href === undefined ? (
          part.text
        ) : (
          <a key={i} href={part.href} target="_blank" rel="noopener noreferrer nofollow">
            {part.text}
          </a>
        ),
      )}
    </p>
  );
}

const PATHS = {
  send: "M3 11.5 20 4l-5.5 16-3-6.5L3 11.5Zm8.5 2L20 4",
  clip: "M19 11.5 11.5 19a4.6 4.6 0 0 1-6.5-6.5l8-8a3.1 3.1 0 0 1 4.4 4.4l-8 8a1.5 1.5 0 0 1-2.2-2.2L14.5 7.5",
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6 6 18",
  chat: "M4 5h16v11H9.5L5 20v-4H4V5Z",
  check: "M5 12.5 10 17.5 19 7",
  file: "M7 3h7l4 4v14H7V3Zm7 0v4h4",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16Zm0 3.5V12l3 2",
  people: "M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6Zm-6 8c0-3 2.7-5 6-5s6 2 6 5M16 11a2.5 2.5 0 1 0-1-4.8M17.5 14.3c2.1.6 3.5 2.3 3.5 4.7",
  note: "M5 4h14v11l-4 5H5V4Zm10 16v-5h4M8 8.5h8M8 12h5",
  why: "M9.5 9a2.6 2.6 0 1 1 3.7 2.4c-.8.4-1.2 1-1.2 1.9v.7M12 17.2v.3",
} as const;

export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
