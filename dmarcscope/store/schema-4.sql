-- Schema 4: mails of summaries, a line for each of their recipients. Times are ISO 8601 in UTC; periods are seconds since 1970.
-- A line goes planned → sending → sent. It goes back to planned where the server may take it later; failed is for good; and unsure is
-- one of which nobody knows whether the server took it, as the connection or the run ended at the wrong moment.
CREATE TABLE deliveries (
    delivery_id  INTEGER PRIMARY KEY,
    what         TEXT NOT NULL,             -- the domain or the group that the summary is about
    period_begin INTEGER NOT NULL,
    period_end   INTEGER NOT NULL,
    recipient    TEXT NOT NULL,
    message_id   TEXT NOT NULL,             -- the same at every try and for every recipient (RFC 5322 §3.6.4)
    state        TEXT NOT NULL CHECK (state IN ('planned', 'sending', 'sent', 'failed', 'unsure')),
    attempts     INTEGER NOT NULL DEFAULT 0,
    planned_at   TEXT NOT NULL,
    tried_at     TEXT,
    retry_at     TEXT,                      -- null: at once
    sent_at      TEXT,
    reason       TEXT,                      -- why it waits, failed or is unsure; what the server said of one that was sent
    figures      TEXT NOT NULL DEFAULT '{}', -- JSON: what the mail said, by domain and name of the figure
    UNIQUE (what, period_begin, period_end, recipient)
) STRICT;
CREATE INDEX deliveries_open ON deliveries (delivery_id) WHERE state IN ('planned', 'sending', 'unsure');
