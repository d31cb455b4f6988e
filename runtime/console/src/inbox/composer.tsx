// Where the agent writes: messages, notes, templates.

import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { words } from "../shared/format";
import type { Card } from "../shared/types";
import { tellTyping, write } from "./client";
import { findTemplates } from "./state";

/** Unfinished texts survive switching between conversations. */
const kept = new Map<string, string>();

export function Composer({ conversation, card, may, insert }: {
  conversation: string;
  card: Card;
  may: string[];
  /** A text to put in, with a number that changes when it is wanted again. */
  insert: { text: string; n: number } | null;
}) {
  const text = useSignal(kept.get(conversation) ?? "");
  const canWrite = may.includes("message");
  const noteWanted = useSignal(false);
  const note = noteWanted.value || !canWrite;
  const picking = useSignal(false);
  const picked = useSignal(0);
  const field = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    if (insert === null || insert.n === 0) return;
    text.value = text.value.trim() === "" ? insert.text : `${text.value.trimEnd()} ${insert.text}`;
    noteWanted.value = false;
    field.current?.focus();
  }, [insert?.n]);
  useEffect(() => {
    kept.set(conversation, text.value);
  }, [text.value]);
  useLayoutEffect(() => {
    const area = field.current;
    if (area === null) return;
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, 200)}px`;
  }, [text.value]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.altKey && !event.ctrlKey && !event.metaKey && event.code === "KeyN" && canWrite) {
        event.preventDefault();
        noteWanted.value = !noteWanted.value;
        field.current?.focus();
      } else if (event.altKey && event.code === "KeyT") {
        event.preventDefault();
        picking.value = true;
        field.current?.focus();
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [canWrite]);

  // "/" at the beginning looks for a template.
  const searching = !note && (picking.value || text.value.startsWith("/"));
  const typed = text.value.startsWith("/") ? text.value.slice(1) : picking.value ? text.value : "";
  const found = searching ? findTemplates(card, typed) : [];
  const at = Math.min(picked.value, Math.max(0, found.length - 1));

  function take(template: [string, string]): void {
    text.value = template[1];
    picking.value = false;
    picked.value = 0;
    field.current?.focus();
  }

  function submit(): void {
    const said = text.value.trim();
    if (said === "" || (note && !may.includes("note"))) return;
    text.value = "";
    void write(conversation, note ? "note" : "message", said);
  }

  if (!canWrite && !may.includes("note")) return null;
  return (
    <form
      class={`composer${note ? " is-note" : ""}`}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {searching && (
        <ul class="picker" role="listbox" id="templates" aria-label="Templates">
          {found.length === 0 && <li class="dim">No template fits</li>}
          {found.map((template, i) => (
            <li
              key={template[0]}
              id={`template-${i}`}
              role="option"
              aria-selected={i === at}
              onMouseDown={(e) => {
                e.preventDefault();
                take(template);
              }}
            >
              <strong>{words(template[0])}</strong> <span class="dim" dir="auto">{template[1]}</span>
            </li>
          ))}
        </ul>
      )}
      <div class="kinds" role="group" aria-label="What to write">
        <button type="button" aria-pressed={!note} disabled={!canWrite} onClick={() => (noteWanted.value = false)}>
          Message
        </button>
        <button type="button" aria-pressed={note} disabled={!may.includes("note")} onClick={() => (noteWanted.value = true)} title="Alt+N">
          Note
        </button>
        <span class="grow" />
        {!note && (
          <button type="button" aria-expanded={searching} onClick={() => { picking.value = !picking.value; field.current?.focus(); }} title="Alt+T, or / at the beginning">
            Templates
          </button>
        )}
      </div>
      <div class="row">
        <textarea
          ref={field}
          rows={2}
          value={text.value}
          maxLength={8000}
          dir="auto"
          aria-label={note ? "Note for the team" : "Message to the customer"}
          placeholder={note ? "Only the team reads this" : "Write to the customer.  / for templates"}
          aria-autocomplete={searching ? "list" : undefined}
          aria-controls={searching ? "templates" : undefined}
          aria-activedescendant={searching && found.length > 0 ? `template-${at}` : undefined}
          onInput={(e) => {
            text.value = e.currentTarget.value;
            picked.value = 0;
            if (!note && !text.value.startsWith("/")) tellTyping(conversation);
          }}
          onKeyDown={(e) => {
            if (e.isComposing) return;
            if (searching) {
              if (e.key === "ArrowDown" || e.key === "ArrowUp") {
                e.preventDefault();
                const step = e.key === "ArrowDown" ? 1 : found.length - 1;
                picked.value = found.length === 0 ? 0 : (at + step) % found.length;
                return;
              }
              if (e.key === "Escape") {
                e.preventDefault();
                picking.value = false;
                if (text.value.startsWith("/")) text.value = "";
                return;
              }
              const chosen = found[at];
              if ((e.key === "Enter" || e.key === "Tab") && chosen !== undefined) {
                e.preventDefault();
                take(chosen);
                return;
              }
            }
            if (e.key === "Enter" && !e.shiftKey) {
              e.preventDefault();
              submit();
            }
          }}
        />
        <button type="submit" class="primary" disabled={text.value.trim() === "" || (searching && text.value.startsWith("/"))}>
          {note ? "Add note" : "Send"}
        </button>
      </div>
    </form>
  );
}
