// Values, times and sizes in words.

import type { Position, TypedValue } from "./types";

/** `http:` and `https:` links only; a path is one of the own origin. Anything else is no link. */
export function safeUrl(url: string | null | undefined, base: string): string | null {
  if (!url) return null;
  try {
    const parsed = new URL(url, base);
    return parsed.protocol === "https:" || parsed.protocol === "http:" ? parsed.href : null;
  } catch {
    return null;
  }
}

/** A text cut into plain pieces and links. */
export function linkify(text: string): { text: string; href?: string }[] {
  const out: { text: string; href?: string }[] = [];
  let at = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s<>"'`]+/g)) {
    // Punctuation that ends a sentence belongs to the sentence.
    const found = match[0].replace(/[.,;:!?)\]}]+$/, "");
    const href = safeUrl(found, "https://invalid.invalid");
    if (href === null || found.length <= "https://".length) continue;
    if (match.index > at) out.push({ text: text.slice(at, match.index) });
    out.push({ text: found, href });
    at = match.index + found.length;
  }
  if (at < text.length) out.push({ text: text.slice(at) });
  return out;
}

/** The visitor's own variant of a conversation's language (how they write times and numbers), else the language itself. */
export function localeOf(language: string, preferred: readonly string[]): string {
  if (language === "other") return preferred[0] ?? "en";
  return preferred.find((tag) => tag.toLowerCase().split("-")[0] === language.toLowerCase()) ?? language;
}

export function bytes(n: number, language: string): string {
  const units = ["B", "KB", "MB", "GB"];
  let value = n;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0 }).format(value)} ${units[unit]}`;
}

export function clock(at: string, language: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "";
  return new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" }).format(date);
}

export function day(at: string, language: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "";
  return new Intl.DateTimeFormat(language, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }).format(date);
}

/** `45 s`, `3 min`, `2 h 5 min`, `3 d`. */
export function span(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  const minutes = Math.round(s / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.round(hours / 24)} d`;
}

/** How long ago, seen from `now` (milliseconds). */
export function ago(at: string | null | undefined, now: number): string {
  if (!at) return "";
  const then = Date.parse(at);
  return Number.isNaN(then) ? "" : span((now - then) / 1000);
}

export function percent(value: number): string {
  return `${Math.round(value * 100)}%`;
}

export function signed(value: number): string {
  const rounded = Math.round(value * 100);
  return `${rounded > 0 ? "+" : rounded < 0 ? "\u2212" : ""}${Math.abs(rounded)}%`;
}

export function words(name: string): string {
  return name.replaceAll("_", " ");
}

export function place(at: Position): string {
  return `${at.file}:${at.line}`;
}

/** A typed value as an author would write it. */
export function value(typed: TypedValue): string {
  const v = typed.v;
  switch (typed.t) {
    case "unknown":
      return "unknown";
    case "percent":
      return typeof v === "number" ? `${Number((v * 100).toFixed(1))}%` : "?";
    case "number":
      return typeof v === "number" ? String(Number(v.toFixed(4))) : String(v);
    case "duration":
      return typeof v === "number" ? span(v / 1000) : "?";
    case "money": {
      const money = v as { amount: unknown; currency: unknown };
      return `${String(money.amount)} ${String(money.currency)}`;
    }
    case "text":
      return JSON.stringify(v);
    case "list":
      return Array.isArray(v) ? `[${v.map((item) => value(item as TypedValue)).join(", ")}]` : "[]";
    case "record":
      return `{ ${Object.entries((v ?? {}) as Record<string, TypedValue>)
        .map(([name, field]) => `${name}: ${value(field)}`)
        .join(", ")} }`;
    case "file":
      return (v as { name?: string })?.name ?? "file";
    default:
      return String(v);
  }
}
