// The shapes of the HTTP API (docs/api.md). Empty lists and unknown values may be left out of an answer.

export interface Button {
  id: string;
  label: string;
}

export type Attachment =
  | { kind: "image"; url: string }
  | { kind: "file"; url: string; name?: string; mime?: string; bytes?: number }
  | { kind: "card"; title?: string | null; text?: string | null; image?: string | null; link?: string | null };

export interface Citation {
  source: string;
  title: string;
  quote: string;
}

export type Who = "customer" | "bot" | "model" | "agent" | "system";

export interface Message {
  id: string;
  seq: number;
  at: string;
  from: { who: Who; name?: string | null };
  kind: string;
  text: string;
  language?: string;
  buttons?: Button[];
  attachments?: Attachment[];
  citations?: Citation[];
  client_id?: string | null;
}

export interface AgentRef {
  id: string;
  name: string;
}

export interface View {
  id: string;
  title: string;
  channel: string;
  language: string;
  tier: string;
  tier_kind: "scripted" | "model" | "people" | null;
  stage: string;
  thinking: boolean;
  agent: AgentRef | null;
  queue: { position: number; length?: number | null; wait_seconds?: number | null; range_seconds?: [number, number] | null } | null;
  menu: Button[];
  asks: { kind: "text" | "choice" | "file" | "code" | "survey"; buttons?: Button[] } | null;
  ended: { resolved: boolean; reason: string | null } | null;
}

export interface WidgetInfo {
  title: string;
  languages: string[];
  channels: string[];
  version: string;
  max_file_bytes: number;
}

export interface TurnAnswer {
  id: string;
  seq: number;
  duplicate: boolean;
  messages: Message[];
  conversation: View;
}

export interface Position {
  file: string;
  line: number;
  column: number;
}

export interface TypedValue {
  t: string;
  v?: unknown;
}

export interface Read {
  name: string;
  value: TypedValue;
}

export interface Fact {
  name: string;
  label: string;
  value: TypedValue;
  text: string;
  proven: boolean;
  required: boolean;
  private: boolean;
}

export interface FileValue {
  name: string;
  url: string;
  mime: string;
  bytes: number;
}

export interface RowTrace {
  row: number;
  team: string;
  priority: string;
  reads?: Read[];
  at: Position;
}

export interface Line {
  at: string;
  who: string;
  agent?: AgentRef | null;
  text: string;
  sentiment?: number | null;
  confidence?: number | null;
  file?: FileValue | null;
}

export interface Reminder {
  index: number;
  text: string;
  before_resolve: boolean;
  confirmed: boolean;
}

export interface Card {
  summary: string;
  topic: string | null;
  mood: number;
  mood_word: string;
  sentiment: [string, number][];
  language: string;
  channel: string;
  page: string | null;
  priority: string;
  team: string | null;
  reasons: string[];
  rules: { at: string; rule: string; because: string; reads?: Read[]; place: Position }[];
  row: RowTrace | null;
  profile: Fact[];
  slots: Fact[];
  missing: string[];
  entities: { kind: unknown; value: TypedValue; start: number; end: number }[];
  attempts: { at: string; text: string; outcome: string }[];
  files: FileValue[];
  knowledge: Citation[];
  tags: string[];
  notes: string[];
  suggestions: string[];
  opening: string | null;
  reminders: Reminder[];
  alerts: string[];
  templates: [string, string][];
  opened: string;
  escalated: string | null;
  transcript: Line[];
}

export interface Summary {
  id: string;
  stage: string;
  tier: string;
  channel: string;
  language: string;
  customer: string | null;
  topic: string | null;
  team: string | null;
  priority: string | null;
  mood: number | null;
  agent: AgentRef | null;
  opened_at: string;
  escalated_at: string | null;
  queued_at: string | null;
  last_at: string | null;
  due: string | null;
  last_text: string | null;
  last_from: string | null;
  seq: number;
  resolved: boolean | null;
}

export interface QueueEntry {
  conversation: Summary;
  team: string;
  priority: string;
  language: string;
  skill: string | null;
  since: string;
  due: string | null;
  position: number;
  wait_seconds: number | null;
}

export interface DeskAgent {
  id: string;
  name: string;
  teams: string[];
  available: boolean;
  present: boolean;
  load: number;
  capacity: number;
}

export interface Desk {
  me: { available: boolean; present: boolean; load: number; capacity: number };
  queue: QueueEntry[];
  agents: DeskAgent[];
  teams: { id: string; title: string; open: boolean; waiting: number; staff: number; longest_wait_seconds: number | null }[];
}

export interface Me {
  agent: {
    id: string;
    name: string;
    role: "agent" | "lead" | "admin";
    teams: string[];
    skills: string[];
    languages: string[];
    capacity: number;
  };
  available: boolean;
  csrf: string;
  title: string;
  teams: { id: string; title: string; open: boolean; next_open: string | null }[];
}

export interface Offer {
  reservation: number;
  expires_at: string;
  conversation: Summary;
  card: Card;
}

export interface FollowUp {
  id: string;
  kind: string;
  due: string | null;
  contact: string | null;
  proven: boolean;
  team: string | null;
  summary: string;
  done: boolean;
  conversation?: string | null;
}

export interface Detail {
  conversation: Summary;
  messages: Message[];
  card: Card;
  offer: { reservation: number; expires_at: string } | null;
  follow_ups: FollowUp[];
  may: string[];
}

export interface LogEntry {
  seq: number;
  event: { event: string; at: string } & Record<string, unknown>;
  effects: ({ effect: string } & Record<string, unknown>)[];
  decision: {
    rules?: { rule: string; fired: boolean; held_back?: string; reads?: Read[]; at: Position }[];
    taken_by?: string;
    confidence?: number;
    band?: Position;
    escalation?: { rule?: string; from: string; to: string; priority: string; reasons: string[]; at: Position };
    row?: RowTrace;
    steps?: { what: string; node?: string; at: Position }[];
    remarks?: string[];
    hooks?: { hook: string; result: unknown }[];
  };
  version: string;
}

export interface Dashboard {
  conversations: number;
  open: number;
  closed: number;
  resolved: number;
  tiers: { tier: string; kind: string; touched: number; contained: number; containment: number | null }[];
  handoff_rate: number | null;
  abandonment: number | null;
  wait_seconds: { p50: number | null; p90: number | null } | null;
  handle_seconds: { p50: number | null; p90: number | null } | null;
  scores: { survey: string; count: number; mean: number }[];
  rules: { rule: string; fired: number }[];
  teams: { team: string; handled: number }[];
  hours: { at: string; opened: number; handed_over: number }[];
}

export interface Finding {
  code: string;
  severity: string;
  message: string;
  help?: string | null;
  file: string;
  line: number;
  column: number;
}

export interface Status {
  title: string;
  version: string;
  loaded_at: string;
  healthy: boolean;
  /** The title of the identity provider, if agents can sign in through one. */
  sign_in?: { sso: string | null };
  reload: { at: string; ok: boolean; findings?: Finding[]; rendered?: string } | null;
}

export interface ProgramNews {
  version: string;
  loaded_at: string;
  healthy: boolean;
  findings: number;
}
