// Offers: what is asked of this agent right now, with the time that is left.

import { useEffect } from "preact/hooks";
import { words } from "../shared/format";
import { accept, conversationHash, decline, now, offers } from "./client";
import { Mood, Priority } from "./pieces";
import { running, secondsLeft } from "./state";

export function Offers() {
  const open = running(offers.value, now.value);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const next = running(offers.value, Date.now())[0];
      if (!event.altKey || event.ctrlKey || event.metaKey || next === undefined) return;
      const what = event.code === "KeyA" ? accept : event.code === "KeyD" ? decline : null;
      if (what === null) return;
      event.preventDefault();
      void what({ reservation: next.reservation, id: next.conversation.id });
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return (
    <div class="offers" role="region" aria-label="Offers">
      <p class="hidden" role="status" aria-live="assertive">
        {open.map((o) => `Offer: ${o.card.summary}`).join(". ")}
      </p>
      {open.map((offer) => {
        const left = secondsLeft(offer.expires_at, now.value);
        const target = { reservation: offer.reservation, id: offer.conversation.id };
        return (
          <article key={offer.reservation} class="offer">
            <div class="grow">
              <p class="offer-summary" dir="auto">{offer.card.summary || offer.conversation.customer || "A customer waits"}</p>
              <p class="marks small">
                <Mood mood={offer.card.mood} word={offer.card.mood_word} />
                <Priority priority={offer.card.priority} />
                {offer.card.team && <span class="tag">{words(offer.card.team)}</span>}
                <a href={conversationHash(offer.conversation.id)}>Read first</a>
              </p>
            </div>
            <p class={`left${left <= 5 ? " soon" : ""}`} role="timer" aria-label={`${left} seconds left`}>{left}</p>
            <div class="offer-actions">
              <button type="button" class="primary" title="Alt+A" onClick={() => void accept(target)}>Accept</button>
              <button type="button" class="quiet" title="Alt+D" onClick={() => void decline(target)}>Decline</button>
            </div>
          </article>
        );
      })}
    </div>
  );
}
