-- Times are milliseconds since 1970, UTC.
CREATE TABLE conversation (
  id TEXT PRIMARY KEY NOT NULL,
  row INTEGER NOT NULL,
  version TEXT NOT NULL,
  state TEXT NOT NULL,
  token BLOB NOT NULL,
  stage TEXT NOT NULL,
  tier TEXT NOT NULL,
  channel TEXT NOT NULL,
  language TEXT NOT NULL,
  customer TEXT,
  topic TEXT,
  team TEXT,
  priority TEXT NOT NULL,
  mood REAL NOT NULL,
  agent TEXT,
  agent_name TEXT,
  opened_at INTEGER,
  escalated_at INTEGER,
  queued_at INTEGER,
  connected_at INTEGER,
  closed_at INTEGER,
  last_at INTEGER NOT NULL,
  due INTEGER,
  last_text TEXT,
  last_from TEXT,
  seq INTEGER NOT NULL,
  resolved INTEGER,
  reason TEXT,
  people INTEGER NOT NULL,
  item TEXT,
  reservation INTEGER
);
CREATE INDEX conversation_last ON conversation (last_at DESC, id DESC);
CREATE INDEX conversation_agent ON conversation (agent, last_at DESC) WHERE agent IS NOT NULL;
CREATE INDEX conversation_people ON conversation (stage) WHERE stage IN ('handoff_pending', 'queued', 'offered', 'reviewing', 'with_agent');
CREATE INDEX conversation_open ON conversation (version) WHERE stage <> 'closed';
CREATE INDEX conversation_version ON conversation (version);
CREATE INDEX conversation_opened ON conversation (opened_at);

CREATE TABLE event (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  conversation TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  record TEXT NOT NULL,
  messages TEXT NOT NULL,
  UNIQUE (conversation, seq)
);

CREATE TABLE message_id (
  conversation TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  hash BLOB NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (conversation, id)
) WITHOUT ROWID;

-- state: 0 waits, 1 given up.
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  conversation TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  idx INTEGER NOT NULL,
  kind TEXT NOT NULL,
  payload TEXT NOT NULL,
  due INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  state INTEGER NOT NULL DEFAULT 0,
  last_error TEXT,
  UNIQUE (conversation, seq, idx)
);
CREATE INDEX outbox_state ON outbox (state, due);

CREATE TABLE timer (
  conversation TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  id INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (conversation, id)
) WITHOUT ROWID;

CREATE TABLE follow_up (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  conversation TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  due INTEGER,
  contact TEXT,
  proven INTEGER NOT NULL,
  team TEXT,
  summary TEXT NOT NULL,
  at INTEGER NOT NULL,
  done_at INTEGER,
  done_by TEXT
);
CREATE INDEX follow_up_due ON follow_up (done_at, due);

CREATE TABLE score (
  conversation TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  survey TEXT NOT NULL,
  score INTEGER NOT NULL,
  PRIMARY KEY (conversation, seq, survey)
) WITHOUT ROWID;

CREATE TABLE escalation (
  conversation TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  rule TEXT NOT NULL,
  tier TEXT NOT NULL,
  PRIMARY KEY (conversation, seq, rule)
) WITHOUT ROWID;

CREATE TABLE touched (
  conversation TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  tier TEXT NOT NULL,
  PRIMARY KEY (conversation, tier)
) WITHOUT ROWID;

CREATE TABLE identity (
  field TEXT NOT NULL,
  value TEXT NOT NULL,
  conversation TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  proven INTEGER NOT NULL,
  PRIMARY KEY (field, value, conversation)
) WITHOUT ROWID;
CREATE INDEX identity_conversation ON identity (conversation);

CREATE TABLE file (
  id TEXT NOT NULL,
  conversation TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  mime TEXT NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (conversation, id)
);

CREATE TABLE verification (
  conversation TEXT PRIMARY KEY NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  field TEXT NOT NULL,
  hash BLOB NOT NULL,
  expires INTEGER NOT NULL,
  attempts INTEGER NOT NULL
);

CREATE TABLE delivery (
  id TEXT PRIMARY KEY NOT NULL,
  "trigger" TEXT NOT NULL,
  body BLOB NOT NULL,
  hash BLOB NOT NULL,
  at INTEGER NOT NULL,
  done INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX delivery_done ON delivery (done, at);

CREATE TABLE agent (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  teams TEXT NOT NULL,
  skills TEXT NOT NULL,
  languages TEXT NOT NULL,
  capacity INTEGER,
  available INTEGER NOT NULL,
  password TEXT NOT NULL
);

CREATE TABLE session (
  hash BLOB PRIMARY KEY NOT NULL,
  agent TEXT NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
  csrf TEXT NOT NULL,
  expires INTEGER NOT NULL
);

CREATE TABLE api_key (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  hash BLOB NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  created INTEGER NOT NULL
);

CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT,
  detail TEXT
);

CREATE TABLE program (
  hash TEXT PRIMARY KEY NOT NULL,
  project TEXT NOT NULL,
  at INTEGER NOT NULL,
  active INTEGER NOT NULL DEFAULT 0
);
