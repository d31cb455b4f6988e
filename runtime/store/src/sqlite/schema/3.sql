-- Keys may end by themselves. Sign-ins of an agent are looked up by who it was.
ALTER TABLE api_key ADD COLUMN expires INTEGER;
CREATE INDEX audit_actor ON audit (actor, action, id);
