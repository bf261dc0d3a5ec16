-- The ledger: what became of every artefact. Times are ISO 8601 in UTC; periods are seconds since 1970.
CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE artefacts (
    artefact_id INTEGER PRIMARY KEY,
    sha256      TEXT NOT NULL,              -- of the bytes as received; the name of the file in the spool
    name        TEXT NOT NULL,              -- where they came from
    size        INTEGER NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('received', 'stored', 'duplicate', 'superseded', 'sidelined', 'ignored')),
    reason      TEXT,
    refused     INTEGER NOT NULL DEFAULT 0, -- members that could not be read
    received_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,             -- the same bytes may arrive again under the same name
    arrivals    INTEGER NOT NULL DEFAULT 1,
    run         TEXT,                       -- who works on it while it is 'received'
    UNIQUE (sha256, name)
) STRICT;
CREATE INDEX artefacts_by_state ON artefacts (state) WHERE state IN ('received', 'sidelined');

CREATE TABLE batches (
    batch         INTEGER PRIMARY KEY AUTOINCREMENT,  -- the transaction number that the table's commit carries
    state         TEXT NOT NULL CHECK (state IN ('pending', 'stored', 'abandoned')),
    started_at    TEXT NOT NULL,
    stored_at     TEXT,
    replaces      TEXT NOT NULL DEFAULT '[]'          -- JSON list of report keys whose lines this batch takes out
) STRICT;

CREATE INDEX batches_pending ON batches (batch) WHERE state = 'pending';

CREATE TABLE reports (
    report_key    INTEGER PRIMARY KEY AUTOINCREMENT,
    artefact_id   INTEGER NOT NULL REFERENCES artefacts,
    member        TEXT NOT NULL,            -- the path inside the artefact, '' for the artefact itself
    identity      TEXT NOT NULL,            -- hash of reporter, policy domain, report_id and period
    content       TEXT NOT NULL,            -- SHA-256 of the report's own bytes
    state         TEXT NOT NULL CHECK (state IN ('pending', 'stored', 'duplicate', 'superseded')),
    batch         INTEGER REFERENCES batches,
    reporter      TEXT,
    email         TEXT,
    report_id     TEXT,
    policy_domain TEXT,
    period_begin  INTEGER,
    period_end    INTEGER,
    dialect       TEXT NOT NULL,
    records       INTEGER NOT NULL,
    messages      INTEGER NOT NULL,
    defects       TEXT NOT NULL DEFAULT '[]'  -- JSON list of sentences
) STRICT;
CREATE INDEX reports_by_identity ON reports (identity);
CREATE INDEX reports_by_artefact ON reports (artefact_id);
CREATE INDEX reports_by_batch ON reports (batch) WHERE state = 'pending';
CREATE INDEX reports_by_domain ON reports (policy_domain, period_begin);
