// The inbox: sign-in, the frame around everything, and where each page stands.

import { useSignal } from "@preact/signals";
import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { ApiError } from "../shared/http";
import { Icon } from "../shared/ui";
import {
  begin, connection, conversationHash, desk, dismiss, go, isLead, known, loadStatus, me, now, offers, openId, program, route, setAvailable, signIn, signOut, status,
  toasts, unread, why,
} from "./client";
import { ConversationView } from "./conversation";
import { Keys } from "./dialogs";
import { SideList } from "./list";
import { Offers } from "./offers";
import { DashboardPage, FollowUps, ProgramPage } from "./pages";
import { running, signInProblem } from "./state";

function SignIn() {
  const name = useSignal("");
  const password = useSignal("");
  const error = useSignal<string | null>(signInProblem(location.search));
  const busy = useSignal(false);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => {
    first.current?.focus();
    void loadStatus();
    // Said once; a reload begins anew.
    if (location.search !== "") history.replaceState(null, "", location.pathname + location.hash);
  }, []);
  const sso = status.value?.sign_in?.sso ?? null;
  return (
    <main class="sign-in">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          busy.value = true;
          error.value = null;
          signIn(name.value.trim(), password.value).catch((e: unknown) => {
            busy.value = false;
            const wait = e instanceof ApiError && e.status === 429 && e.retryAfter !== null ? ` Try again in ${e.retryAfter} s.` : "";
            error.value = why(e) + wait;
          });
        }}
      >
        <h1>{status.value?.title ?? "Inbox"}</h1>
        <p class="dim">Sign in to answer customers.</p>
        <label>
          Name
          <input ref={first} name="username" autocomplete="username" required value={name.value} onInput={(e) => (name.value = e.currentTarget.value)} autocapitalize="none" spellcheck={false} />
        </label>
        <label>
          Password
          <input name="password" type="password" autocomplete="current-password" required value={password.value} onInput={(e) => (password.value = e.currentTarget.value)} />
        </label>
        {error.value !== null && <p class="error" role="alert">{error.value}</p>}
        <button type="submit" class="primary" disabled={busy.value}>Sign in</button>
        {sso !== null && <a class="sso" href="/v1/agent/sso">Sign in with {sso}</a>}
      </form>
    </main>
  );
}

function Top({ onKeys }: { onKeys: () => void }) {
  const page = route.value;
  const links: [string, string][] = [["#/", "Inbox"], ["#/follow-ups", "Follow-ups"], ...(isLead.value ? ([["#/dashboard", "Dashboard"]] as [string, string][]) : []), ["#/program", "Program"]];
  const current = page.startsWith("#/follow-ups") ? "#/follow-ups" : page.startsWith("#/dashboard") ? "#/dashboard" : page.startsWith("#/program") ? "#/program" : "#/";
  const mine = desk.value.me;
  const refused = (program.value ?? status.value)?.healthy === false;
  return (
    <header class="top">
      <h1 dir="auto">{me.value?.title}</h1>
      <nav aria-label="Pages">
        {links.map(([href, label]) => (
          <a key={href} href={href} aria-current={current === href ? "page" : undefined}>
            {label}
            {href === "#/program" && refused && <span class="tag wanted">refused</span>}
          </a>
        ))}
      </nav>
      <span class="grow" />
      <span class="load dim small" title="conversations with you, of how many at most">{mine.load}/{mine.capacity}</span>
      <button type="button" class="switch" role="switch" aria-checked={mine.available} onClick={() => void setAvailable(!mine.available)}>
        <span class="knob" aria-hidden="true" />
        {mine.available ? "Available" : "Away"}
      </button>
      <button type="button" class="round" aria-label="Keys" title="Keys (?)" onClick={onKeys}><Icon name="why" /></button>
      <span class="agent-name small" dir="auto">{me.value?.agent.name}</span>
      <button type="button" class="quiet small" onClick={() => void signOut()}>Sign out</button>
    </header>
  );
}

function Inbox() {
  const keys = useSignal(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target;
      const writing = target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
      if (event.key === "?" && !writing && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        keys.value = true;
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  const open = running(offers.value, now.value).length;
  const news = [...unread.value.values()].reduce((a, b) => a + b, 0);
  useEffect(() => {
    const mark = open > 0 ? "● Offer · " : news > 0 ? `(${news}) ` : "";
    document.title = `${mark}${me.value?.title ?? "Inbox"}`;
  }, [open, news]);
  const page = route.value;
  return (
    <div class={`shell${openId.value !== null ? " has-conversation" : ""}`}>
      <Top onKeys={() => (keys.value = true)} />
      <div class="banner" role="status" aria-live="polite">
        {connection.value === "lost" ? <p>Connection lost, trying again. What you write is sent when it is back.</p> : null}
        {desk.value.me.available && !desk.value.me.present && connection.value === "open" ? <p>You are switched to available but not counted as present yet.</p> : null}
      </div>
      <Offers />
      <div class="toasts" role="region" aria-label="Messages">
        {toasts.value.map((t) => (
          <div key={t.id} class={`toast${t.bad ? " bad" : ""}`} role={t.bad ? "alert" : "status"}>
            <p dir="auto">{t.text}</p>
            {t.conversation !== undefined && t.conversation !== openId.value && <a href={conversationHash(t.conversation)} onClick={() => dismiss(t.id)}>Open</a>}
            <button type="button" class="round" aria-label="Dismiss" onClick={() => dismiss(t.id)}><Icon name="close" /></button>
          </div>
        ))}
      </div>
      {page.startsWith("#/follow-ups") ? <main class="scroll"><FollowUps /></main>
        : page.startsWith("#/dashboard") && isLead.value ? <main class="scroll"><DashboardPage /></main>
        : page.startsWith("#/program") ? <main class="scroll"><ProgramPage /></main>
        : (
          <main class="work">
            <SideList />
            {openId.value !== null ? <ConversationView /> : (
              <section class="conversation empty">
                <p class="dim">{desk.value.me.available ? "Choose a conversation, or wait for an offer." : "You are away. Switch to available to get offers."}</p>
              </section>
            )}
          </main>
        )}
      {keys.value && <Keys onClose={() => (keys.value = false)} />}
    </div>
  );
}

function App() {
  if (!known.value) return <main class="sign-in"><p class="dots">Loading</p></main>;
  return me.value === null ? <SignIn /> : <Inbox />;
}

if (location.hash === "") go("#/");
const app = document.getElementById("app");
if (app !== null) render(<App />, app);
void begin();
