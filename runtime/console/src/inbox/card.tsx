// The card: what a person needs who takes over, readable in ten seconds. What matters first stands first; the rest is a line away.

import { bytes, clock, span, value, words } from "../shared/format";
import type { Card, Fact, FollowUp } from "../shared/types";
import { Icon, Out } from "../shared/ui";
import { day } from "../shared/format";
import { Mood, Place, Priority, Reads, Spark } from "./pieces";

const LANGUAGE = navigator.language;

function Section({ title, children, count }: { title: string; children: preact.ComponentChildren; count?: number }) {
  return (
    <section>
      <h3>
        {title}
        {count !== undefined && count > 1 && <span class="dim"> {count}</span>}
      </h3>
      {children}
    </section>
  );
}

function Facts({ facts, missing }: { facts: Fact[]; missing: string[] }) {
  if (facts.length === 0 && missing.length === 0) return null;
  return (
    <Section title="Known">
      <dl class="facts">
        {facts.map((fact) => (
          <div key={fact.name}>
            <dt>
              {fact.label || words(fact.name)}
              {fact.required && <abbr title="required by the handoff">*</abbr>}
            </dt>
            <dd>
              <span dir="auto">{fact.text || value(fact.value)}</span>
              {!fact.proven && <span class="tag unproven" title="The customer says so; nothing has proven it.">unproven</span>}
              {fact.private && <span class="tag" title="Personal data">private</span>}
            </dd>
          </div>
        ))}
        {missing.map((name) => (
          <div key={name} class="missing">
            <dt>
              {words(name)}
              <abbr title="required by the handoff">*</abbr>
            </dt>
            <dd>
              <span class="tag wanted">missing</span>
            </dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}

const OUTCOMES: Record<string, string> = { worked: "worked", declined: "did not help", unknown: "not known" };

export function CardView(props: {
  card: Card;
  followUps?: FollowUp[];
  onConfirm?: ((index: number) => void) | undefined;
  onInsert?: ((text: string) => void) | undefined;
}) {
  const { card, onConfirm, onInsert } = props;
  const list = <T,>(items: T[] | null | undefined): T[] => items ?? [];
  const waited = card.escalated ? (Date.now() - Date.parse(card.escalated)) / 1000 : null;
  return (
    <div class="card">
      <div class="gist">
        <p class="summary" dir="auto">{card.summary}</p>
        <div class="mood-line">
          <Mood mood={card.mood} word={card.mood_word} />
          <Spark points={list(card.sentiment)} />
        </div>
        <p class="marks">
          <Priority priority={card.priority} />
          {card.topic && <span class="tag">{card.topic}</span>}
          {card.team && <span class="tag">{words(card.team)}</span>}
          <span class="tag">{card.language}</span>
          <span class="tag">{card.channel}</span>
          {list(card.tags).map((tag) => (
            <span key={tag} class="tag">#{tag}</span>
          ))}
        </p>
        {list(card.reasons).length > 0 && (
          <ul class="reasons">
            {card.reasons.map((reason, i) => (
              <li key={i} dir="auto">{reason}</li>
            ))}
          </ul>
        )}
        {waited !== null && <p class="dim small">Called people {span(waited)} ago</p>}
      </div>

      {list(card.alerts).map((alert, i) => (
        <p key={i} class="alert" role="note">{alert}</p>
      ))}

      {list(card.reminders).length > 0 && (
        <Section title="Reminders">
          <ul class="reminders">
            {card.reminders.map((reminder) => (
              <li key={reminder.index}>
                <label>
                  <input
                    type="checkbox"
                    checked={reminder.confirmed}
                    disabled={reminder.confirmed || onConfirm === undefined}
                    onChange={() => onConfirm?.(reminder.index)}
                  />
                  <span>
                    {reminder.text}
                    {reminder.before_resolve && !reminder.confirmed && <span class="dim"> · before resolving</span>}
                  </span>
                </label>
              </li>
            ))}
          </ul>
        </Section>
      )}

      <Facts facts={[...list(card.profile), ...list(card.slots)]} missing={list(card.missing)} />

      {list(card.attempts).length > 0 && (
        <Section title="Tried" count={card.attempts.length}>
          <ul class="attempts">
            {card.attempts.map((attempt, i) => (
              <li key={i}>
                <span dir="auto">{attempt.text}</span>
                <span class={`tag ${attempt.outcome === "declined" ? "wanted" : ""}`}>{OUTCOMES[attempt.outcome] ?? attempt.outcome}</span>
              </li>
            ))}
          </ul>
        </Section>
      )}

      {(list(card.suggestions).length > 0 || card.opening) && (
        <Section title="Suggested">
          {card.opening && (
            <blockquote class="opening">
              <p dir="auto">{card.opening}</p>
              {onInsert !== undefined && (
                <button type="button" class="quiet small" onClick={() => onInsert(card.opening ?? "")}>
                  Use as first message
                </button>
              )}
            </blockquote>
          )}
          {list(card.suggestions).length > 0 && (
            <ol class="suggestions">
              {card.suggestions.map((s, i) => (
                <li key={i} dir="auto">{s}</li>
              ))}
            </ol>
          )}
        </Section>
      )}

      {(list(card.rules).length > 0 || card.row) && (
        <Section title="Why it is here">
          <ul class="rules">
            {list(card.rules).map((rule, i) => (
              <li key={i}>
                <p>
                  <strong>{words(rule.rule)}</strong> <Place at={rule.place} />
                </p>
                {rule.because && <p class="small" dir="auto">{rule.because}</p>}
                <Reads reads={rule.reads} />
              </li>
            ))}
            {card.row && (
              <li>
                <p>
                  <strong>row {card.row.row}</strong> → {words(card.row.team)}, {card.row.priority} <Place at={card.row.at} />
                </p>
                <Reads reads={card.row.reads} />
              </li>
            )}
          </ul>
        </Section>
      )}

      {list(card.files).length > 0 && (
        <Section title="Files" count={card.files.length}>
          <ul>
            {card.files.map((file, i) => (
              <li key={i} class="file-line">
                <Icon name="file" />
                <Out href={file.url}>{file.name}</Out>
                <span class="dim small">{bytes(file.bytes, LANGUAGE)}</span>
              </li>
            ))}
          </ul>
        </Section>
      )}

      {list(card.knowledge).length > 0 && (
        <Section title="Knowledge used">
          <ul class="knowledge">
            {card.knowledge.map((k, i) => (
              <li key={i}>
                <p>
                  {k.title || k.source} <code class="place">{k.source}</code>
                </p>
                {k.quote && <q dir="auto">{k.quote}</q>}
              </li>
            ))}
          </ul>
        </Section>
      )}

      {list(card.entities).length > 0 && (
        <Section title="Found in messages">
          <p class="marks">
            {card.entities.map((entity, i) => (
              <span key={i} class="tag" dir="auto">
                {entityKind(entity.kind)} {value(entity.value)}
              </span>
            ))}
          </p>
        </Section>
      )}

      {list(card.notes).length > 0 && (
        <Section title="Notes">
          <ul class="notes">
            {card.notes.map((note, i) => (
              <li key={i} dir="auto">{note}</li>
            ))}
          </ul>
        </Section>
      )}

      {(props.followUps ?? []).length > 0 && (
        <Section title="Promised">
          <ul class="rules">
            {(props.followUps ?? []).map((f) => (
              <li key={f.id}>
                <strong>{f.kind}</strong>
                {f.due && <> by {day(f.due, LANGUAGE)}</>}
                {f.contact && <> · <span dir="auto">{f.contact}</span>{!f.proven && <span class="tag unproven">unproven</span>}</>}
                {f.done && <span class="tag">done</span>}
              </li>
            ))}
          </ul>
        </Section>
      )}

      <p class="dim small foot">
        Opened {clock(card.opened, LANGUAGE)}
        {card.page && (
          <>
            {" "}on <Out href={card.page}>{card.page.replace(/^https?:\/\//, "")}</Out>
          </>
        )}
      </p>
    </div>
  );
}

function entityKind(kind: unknown): string {
  if (typeof kind === "string") return kind;
  if (typeof kind === "object" && kind !== null) return words(String(Object.values(kind)[0] ?? ""));
  return "";
}
