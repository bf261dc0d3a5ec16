-- Schema 3: what the DNS said and when, and what follows from it for sources, keys and SPF. Times are ISO 8601 in UTC.
-- An observation is one and the same answer, from the first time to the last that it came. Only what the DNS told is one:
-- that it could not be asked never ends or replaces what was seen.
-- records and strings are JSON lists, sorted, as name servers hand records out in any order. authenticated is that of the last answer.
CREATE TABLE observations (
    observation_id INTEGER PRIMARY KEY,
    name          TEXT NOT NULL,            -- lower case, no final dot
    kind          TEXT NOT NULL,            -- TXT, A, PTR and so on
    outcome       TEXT NOT NULL CHECK (outcome IN ('found', 'no-data', 'nxdomain')),
    records       TEXT NOT NULL,
    strings       TEXT NOT NULL,
    aliases       TEXT NOT NULL,            -- JSON list of the names that CNAMEs led through
    authenticated INTEGER NOT NULL,
    first_seen    TEXT NOT NULL,
    last_seen     TEXT NOT NULL,
    times         INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX observations_by_name ON observations (name, kind, first_seen);

-- The last answer to a question and until when it may be used (seconds since 1970), failures too.
CREATE TABLE answers (
    name           TEXT NOT NULL,
    kind           TEXT NOT NULL,
    outcome        TEXT NOT NULL,
    detail         TEXT NOT NULL,
    observation_id INTEGER REFERENCES observations, -- null: it could not be asked
    at             REAL NOT NULL,
    until          REAL NOT NULL,
    PRIMARY KEY (name, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_by_until ON answers (until);
CREATE INDEX answers_by_observation ON answers (observation_id);

-- What was found out last about each source, pair and key. checked_at: when it was last told; null if it never was.
-- tried_at: when it was last asked, and trouble: why it could not be told then, null if it was.
CREATE TABLE sources (
    ip            TEXT PRIMARY KEY,
    ptr_result    TEXT,                     -- pass, fail or permerror (iprev, RFC 8601 §2.7.3)
    ptr_name      TEXT,                     -- the confirmed name, or else the first
    ptr_confirmed INTEGER,
    checked_at    TEXT,
    tried_at      TEXT NOT NULL,
    trouble       TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE spf_checks (
    ip         TEXT NOT NULL,
    domain     TEXT NOT NULL,
    result     TEXT,                        -- none, neutral, pass, fail, softfail or permerror (RFC 7208 §2.6)
    term       TEXT,                        -- the term that matched
    path       TEXT,                        -- JSON list of domain and term, from the first record to it
    reason     TEXT,
    checked_at TEXT,
    tried_at   TEXT NOT NULL,
    trouble    TEXT,
    PRIMARY KEY (ip, domain)
) STRICT, WITHOUT ROWID;
CREATE TABLE keys (
    domain     TEXT NOT NULL,
    selector   TEXT NOT NULL,
    state      TEXT,                        -- usable, testing, revoked, unusable, several or missing
    algorithm  TEXT,
    bits       INTEGER,
    checked_at TEXT,
    tried_at   TEXT NOT NULL,
    trouble    TEXT,
    PRIMARY KEY (domain, selector)
) STRICT, WITHOUT ROWID;
CREATE TABLE walks (
    domain     TEXT PRIMARY KEY,            -- from which the DNS tree was walked (RFC 9989 §4.10); the observations tell what was met
    checked_at TEXT,
    tried_at   TEXT NOT NULL,
    trouble    TEXT
) STRICT, WITHOUT ROWID;
