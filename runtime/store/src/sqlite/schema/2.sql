-- Where conversations of messaging services go on: one per address of a customer. `sent`: the log up to this number is in the outbox.
-- Written before its conversation, so that a crash in between opens no second one; it goes with it.
CREATE TABLE thread (
  channel TEXT NOT NULL,
  address TEXT NOT NULL,
  conversation TEXT NOT NULL UNIQUE,
  sent INTEGER NOT NULL DEFAULT 0,
  heard_at INTEGER NOT NULL,
  reopened_at INTEGER,
  PRIMARY KEY (channel, address)
) WITHOUT ROWID;
CREATE TRIGGER thread_goes AFTER DELETE ON conversation BEGIN
  DELETE FROM thread WHERE conversation = OLD.id;
END;

-- Tokens of models.
CREATE TABLE spent (
  conversation TEXT PRIMARY KEY NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  tokens INTEGER NOT NULL
) WITHOUT ROWID;

-- Alerts of targets that were called and still hold.
CREATE TABLE alert (
  id TEXT PRIMARY KEY NOT NULL,
  at INTEGER NOT NULL
) WITHOUT ROWID;
