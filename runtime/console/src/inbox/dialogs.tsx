// Questions before something final: resolve, return, transfer; and the list of keys.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { words } from "../shared/format";
import { desk, me } from "./client";

export type Asking = "resolve" | "return" | "transfer" | "keys";

function Modal({ title, onClose, children }: { title: string; onClose: () => void; children: preact.ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={onClose} onClick={(e) => e.target === e.currentTarget && onClose()}>
      <div class="dialog">
        <h2 id="dialog-title">{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

export function Question({ asking, team, onClose, onDone }: {
  asking: "resolve" | "return" | "transfer";
  team: string | null;
  onClose: () => void;
  onDone: (body: Record<string, unknown>) => void;
}) {
  const text = useSignal("");
  const to = useSignal("");
  // Agents see all teams here, not only their own: that is what a transfer is for.
  const teams = (me.value?.teams ?? []).filter((t) => t.id !== team);
  const waiting = new Map(desk.value.teams.map((t) => [t.id, t]));
  const title = { resolve: "Resolve", return: "Back to the bot", transfer: "Transfer to a team" }[asking];
  const label = { resolve: "What was done? It goes into the record.", return: "Why? The bot's author will read it.", transfer: "What should they know?" }[asking];
  return (
    <Modal title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const said = text.value.trim();
          if (asking === "resolve") onDone(said === "" ? {} : { summary: said });
          else if (asking === "return") onDone(said === "" ? {} : { reason: said });
          else if (to.value !== "") onDone(said === "" ? { team: to.value } : { team: to.value, reason: said });
        }}
      >
        {asking === "transfer" && (
          <label>
            Team
            <select value={to.value} required onChange={(e) => (to.value = e.currentTarget.value)}>
              <option value="">Choose…</option>
              {teams.map((t) => (
                <option key={t.id} value={t.id}>
                  {t.title || words(t.id)}
                  {t.open ? "" : " (closed)"}
                  {waiting.has(t.id) ? `, ${waiting.get(t.id)?.waiting} waiting` : ""}
                </option>
              ))}
            </select>
          </label>
        )}
        <label>
          {label}
          <textarea rows={3} maxLength={2000} value={text.value} onInput={(e) => (text.value = e.currentTarget.value)} autofocus={asking !== "transfer"} />
        </label>
        <div class="dialog-actions">
          <button type="button" class="quiet" onClick={onClose}>Cancel</button>
          <button type="submit" class="primary">{title}</button>
        </div>
      </form>
    </Modal>
  );
}

const KEYS: [string, string][] = [
  ["Enter", "send; Shift+Enter for a new line"],
  ["/", "templates, at the beginning of a message"],
  ["Alt+T", "templates"],
  ["Alt+N", "switch between message and note"],
  ["Alt+R", "resolve"],
  ["Alt+A", "accept the next offer"],
  ["Alt+D", "decline the next offer"],
  ["Alt+↑ / Alt+↓", "previous or next conversation"],
  ["Alt+W", "why: the log of the turns"],
  ["?", "this list"],
];

export function Keys({ onClose }: { onClose: () => void }) {
  return (
    <Modal title="Keys" onClose={onClose}>
      <dl class="keys">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt><kbd>{key}</kbd></dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <div class="dialog-actions">
        <button type="button" class="primary" onClick={onClose}>Close</button>
      </div>
    </Modal>
  );
}
