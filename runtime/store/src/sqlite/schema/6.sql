-- Each line of the audit log has the hash of itself and of all lines before it, so that one that was changed or taken out is found.
ALTER TABLE audit ADD COLUMN chain BLOB;

-- State 3: a messaging service has it, under the name that it gave (`sent_as`, a hash), and may still say that it did not arrive.
-- Since when a delivery is in its state; only of states 1 and 3, which end by themselves.
ALTER TABLE outbox ADD COLUMN since INTEGER;
ALTER TABLE outbox ADD COLUMN sent_as BLOB;
UPDATE outbox SET since = unixepoch() * 1000 WHERE state = 1;
CREATE INDEX outbox_sent ON outbox (sent_as) WHERE sent_as IS NOT NULL;

-- Signed logins of visitors that are good for one conversation, by the hash of their `jti`, until they end.
CREATE TABLE used_login (
  hash BLOB PRIMARY KEY NOT NULL,
  until INTEGER NOT NULL
) WITHOUT ROWID;
