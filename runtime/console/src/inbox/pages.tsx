// The pages beside the inbox: follow-ups, dashboard, program.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { clock, day, percent, span, words } from "../shared/format";
import type { Dashboard, FollowUp } from "../shared/types";
import { conversationHash, desk, followUpDone, loadDashboard, loadFollowUps, loadStatus, me, now, program, status, toast, why } from "./client";
import { dueness, everyHour } from "./state";

const LANGUAGE = navigator.language;

export function FollowUps() {
  const done = useSignal(false);
  const list = useSignal<FollowUp[] | null>(null);
  const error = useSignal<string | null>(null);
  async function load(): Promise<void> {
    try {
      list.value = await loadFollowUps(done.value);
      error.value = null;
    } catch (e) {
      error.value = why(e);
    }
  }
  useEffect(() => {
    list.value = null;
    void load();
    const timer = setInterval(() => void load(), 30_000);
    return () => clearInterval(timer);
  }, [done.value]);
  return (
    <section class="page" aria-labelledby="page-title">
      <header class="page-head">
        <h2 id="page-title">Follow-ups</h2>
        <div class="views" role="group" aria-label="Which follow-ups">
          <button type="button" aria-pressed={!done.value} onClick={() => (done.value = false)}>Open</button>
          <button type="button" aria-pressed={done.value} onClick={() => (done.value = true)}>Done</button>
        </div>
      </header>
      {error.value !== null && <p class="error" role="alert">{error.value}</p>}
      {list.value === null ? <p class="dots">Loading</p> : list.value.length === 0 ? <p class="dim">{done.value ? "None done yet." : "Nothing was promised that is still open."}</p> : (
        <div class="wide">
          <table>
            <thead><tr><th scope="col">What</th><th scope="col">Due</th><th scope="col">Contact</th><th scope="col">About</th><th scope="col">Team</th><th scope="col"><span class="hidden">Done</span></th></tr></thead>
            <tbody>
              {list.value.map((f) => (
                <tr key={f.id}>
                  <td>{f.kind}</td>
                  <td class={f.done ? "" : dueness(f.due, now.value)}>{f.due === null ? "" : day(f.due, LANGUAGE)}</td>
                  <td><span dir="auto">{f.contact ?? ""}</span>{f.contact !== null && !f.proven && <span class="tag unproven">unproven</span>}</td>
                  <td dir="auto">{f.conversation ? <a href={conversationHash(f.conversation)}>{f.summary}</a> : f.summary}</td>
                  <td>{f.team === null ? "" : words(f.team)}</td>
                  <td>
                    {!f.done && (
                      <button type="button" class="quiet small" aria-label={`Done: ${f.summary}`} onClick={() => void followUpDone(f.id).then(load, (e: unknown) => toast(why(e), true))}>Done</button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Figure({ label, figure, detail }: { label: string; figure: string; detail?: string }) {
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd>{figure}</dd>
      {detail !== undefined && <dd class="dim small">{detail}</dd>}
    </div>
  );
}

function maybe(n: number | null | undefined, format: (n: number) => string): string {
  return typeof n === "number" && Number.isFinite(n) ? format(n) : "–";
}

function Hours({ hours }: { hours: Dashboard["hours"] }) {
  if (hours.length === 0) return null;
  const top = Math.max(1, ...hours.map((h) => h.opened));
  const width = 100 / hours.length;
  const total = hours.reduce((n, h) => n + h.opened, 0);
  const handed = hours.reduce((n, h) => n + h.handed_over, 0);
  return (
    <figure class="hours">
      <figcaption>
        By hour: <span class="key opened">opened</span> <span class="key handed">handed over</span>
      </figcaption>
      <svg viewBox="0 0 100 40" preserveAspectRatio="none" role="img" aria-label={`${total} opened and ${handed} handed over in ${hours.length} hours`}>
        {hours.map((h, i) => {
          const opened = (h.opened / top) * 40;
          const over = (h.handed_over / top) * 40;
          return (
            <g key={h.at}>
              <title>{`${day(h.at, LANGUAGE)}: ${h.opened} opened, ${h.handed_over} handed over`}</title>
              <rect class="bar" x={i * width + width * 0.12} y={40 - opened} width={width * 0.76} height={opened} />
              <rect class="bar handed" x={i * width + width * 0.12} y={40 - over} width={width * 0.76} height={over} />
            </g>
          );
        })}
      </svg>
      <p class="dim small ends"><span>{clock(hours[0]?.at ?? "", LANGUAGE)}</span><span>{clock(hours.at(-1)?.at ?? "", LANGUAGE)}</span></p>
    </figure>
  );
}

function Bars({ title, rows }: { title: string; rows: [string, number][] }) {
  const top = Math.max(1, ...rows.map(([, n]) => n));
  return (
    <section>
      <h3>{title}</h3>
      {rows.length === 0 ? <p class="dim">None.</p> : (
        <table class="bars">
          <tbody>
            {rows.map(([name, n]) => (
              <tr key={name}>
                <th scope="row">{words(name)}</th>
                <td><svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="bar" width={(n / top) * 100} height="8" /></svg></td>
                <td class="number">{n}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

export function DashboardPage() {
  const hours = useSignal(24);
  const data = useSignal<Dashboard | null>(null);
  const error = useSignal<string | null>(null);
  async function load(): Promise<void> {
    const wanted = hours.value;
    try {
      const loaded = await loadDashboard(wanted);
      if (wanted !== hours.value) return;
      data.value = loaded;
      error.value = null;
    } catch (e) {
      error.value = why(e);
    }
  }
  useEffect(() => {
    void load();
    const timer = setInterval(() => void load(), 15_000);
    return () => clearInterval(timer);
  }, [hours.value]);
  const d = data.value;
  return (
    <section class="page" aria-labelledby="page-title">
      <header class="page-head">
        <h2 id="page-title">Dashboard</h2>
        <div class="views" role="group" aria-label="Time span">
          {([[1, "1 hour"], [24, "24 hours"], [168, "7 days"]] as const).map(([n, label]) => (
            <button key={n} type="button" aria-pressed={hours.value === n} onClick={() => (hours.value = n)}>{label}</button>
          ))}
        </div>
      </header>
      {error.value !== null && <p class="error" role="alert">{error.value}</p>}
      {d === null ? error.value === null && <p class="dots">Loading</p> : (
        <>
          <dl class="figures">
            <Figure label="Conversations" figure={String(d.conversations)} detail={`${d.open} open, ${d.closed} closed`} />
            <Figure label="Resolved" figure={d.closed > 0 ? percent(d.resolved / d.closed) : "–"} detail={`${d.resolved} of ${d.closed} closed`} />
            <Figure label="Handed over" figure={maybe(d.handoff_rate, percent)} />
            <Figure label="Abandoned" figure={maybe(d.abandonment, percent)} />
            <Figure label="Wait" figure={maybe(d.wait_seconds?.p50, span)} detail={`9 of 10 within ${maybe(d.wait_seconds?.p90, span)}`} />
            <Figure label="Handling" figure={maybe(d.handle_seconds?.p50, span)} detail={`9 of 10 within ${maybe(d.handle_seconds?.p90, span)}`} />
            {(d.scores ?? []).map((s) => (
              <Figure key={s.survey} label={s.survey.toUpperCase()} figure={s.mean.toFixed(1)} detail={`${s.count} answers`} />
            ))}
          </dl>
          <Hours hours={everyHour(d.hours ?? [], Math.max(2, Math.min(hours.value, 168)), now.value)} />
          <div class="columns">
            <section>
              <h3>Tiers</h3>
              <table>
                <thead><tr><th scope="col">Tier</th><th scope="col" class="number">Touched</th><th scope="col" class="number">Contained</th><th scope="col" class="number">Share</th></tr></thead>
                <tbody>
                  {(d.tiers ?? []).map((t) => (
                    <tr key={t.tier}><th scope="row">{words(t.tier)} <span class="dim">{t.kind}</span></th><td class="number">{t.touched}</td><td class="number">{t.contained}</td><td class="number">{t.touched === 0 ? "–" : maybe(t.containment, percent)}</td></tr>
                  ))}
                </tbody>
              </table>
            </section>
            <Bars title="Rules that fired" rows={(d.rules ?? []).map((r) => [r.rule, r.fired])} />
            <Bars title="Handled by team" rows={(d.teams ?? []).map((t) => [t.team, t.handled])} />
            <Staff />
          </div>
        </>
      )}
    </section>
  );
}

function Staff() {
  return (
    <section>
      <h3>At the desk now</h3>
      <table>
        <thead><tr><th scope="col">Agent</th><th scope="col">State</th><th scope="col" class="number">Load</th></tr></thead>
        <tbody>
          {desk.value.agents.map((a) => (
            <tr key={a.id}><th scope="row" dir="auto">{a.name}</th><td>{a.present ? "present" : a.available ? "not here" : "off"}</td><td class="number">{a.load}/{a.capacity}</td></tr>
          ))}
        </tbody>
      </table>
      <table>
        <thead><tr><th scope="col">Team</th><th scope="col">Hours</th><th scope="col" class="number">Staff</th><th scope="col" class="number">Waiting</th><th scope="col" class="number">Longest</th></tr></thead>
        <tbody>
          {desk.value.teams.map((t) => (
            <tr key={t.id}><th scope="row">{t.title || words(t.id)}</th><td>{t.open ? "open" : "closed"}</td><td class="number">{t.staff}</td><td class="number">{t.waiting}</td><td class="number">{maybe(t.longest_wait_seconds, span)}</td></tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

export function ProgramPage() {
  useEffect(() => {
    void loadStatus();
  }, [program.value]);
  const s = status.value;
  return (
    <section class="page" aria-labelledby="page-title">
      <header class="page-head"><h2 id="page-title">Program</h2></header>
      {s === null ? <p class="dots">Loading</p> : (
        <>
          <p class={s.healthy ? "state-good" : "state-bad"} role="status">
            {s.healthy ? "The folder and the running bot are the same." : "The last edit was refused. The last good version goes on serving."}
          </p>
          <dl class="facts program">
            <div><dt>Bot</dt><dd dir="auto">{s.title || me.value?.title}</dd></div>
            <div><dt>Version</dt><dd><code>{s.version}</code></dd></div>
            <div><dt>Loaded</dt><dd>{day(s.loaded_at, LANGUAGE)}</dd></div>
            {s.reload && <div><dt>Last reload</dt><dd>{day(s.reload.at, LANGUAGE)}, {s.reload.ok ? "taken" : "refused"}</dd></div>}
          </dl>
          {s.reload && (s.reload.findings ?? []).length > 0 && (
            <>
              <h3>Findings</h3>
              <ul class="findings">
                {[...(s.reload.findings ?? [])].sort((a, b) => Number(b.severity === "error") - Number(a.severity === "error")).map((f, i) => (
                  <li key={i} class={f.severity}>
                    <p><code class="code">{f.code}</code> <span class="tag">{f.severity}</span> <span dir="auto">{f.message}</span> <code class="place">{f.file}:{f.line}:{f.column}</code></p>
                    {f.help && <p class="dim" dir="auto">{f.help}</p>}
                  </li>
                ))}
              </ul>
            </>
          )}
          {s.reload?.rendered && !s.reload.ok && <pre class="rendered" tabIndex={0}>{s.reload.rendered}</pre>}
        </>
      )}
    </section>
  );
}
