-- What reviewers said of proposals; the proposals themselves are found anew each time.
CREATE TABLE verdict (
  proposal TEXT PRIMARY KEY NOT NULL,
  state TEXT NOT NULL,
  by TEXT NOT NULL,
  at INTEGER NOT NULL
) WITHOUT ROWID;
