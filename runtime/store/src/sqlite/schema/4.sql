-- How a tier served a conversation: since when it owed an answer, when an agent was connected, its first answer, the end.
ALTER TABLE touched ADD COLUMN since INTEGER;
ALTER TABLE touched ADD COLUMN connected INTEGER;
ALTER TABLE touched ADD COLUMN replied INTEGER;
ALTER TABLE touched ADD COLUMN done INTEGER;
UPDATE touched SET (since, connected, done) =
  (SELECT c.queued_at, c.connected_at, c.closed_at FROM conversation c WHERE c.id = touched.conversation AND c.tier = touched.tier)
  WHERE conversation IN (SELECT id FROM conversation WHERE connected_at IS NOT NULL);

-- Customers who came back after the end.
CREATE TABLE reopening (
  conversation TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  at INTEGER NOT NULL,
  PRIMARY KEY (conversation, at)
) WITHOUT ROWID;

-- What was known of what a handoff requires, when an agent was connected.
CREATE TABLE context (
  conversation TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  known INTEGER NOT NULL,
  required INTEGER NOT NULL,
  PRIMARY KEY (conversation, seq)
) WITHOUT ROWID;
