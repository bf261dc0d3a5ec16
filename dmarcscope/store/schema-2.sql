-- Schema 2: mailboxes, and how the mail that brought a report authenticated.
-- mail_from: author domain of the mail. mail_verified: 1 if a trusted host authenticated it, 0 if it did not, null if none spoke.
-- mail_reason: the evidence, in a sentence.
ALTER TABLE artefacts ADD COLUMN mail_from TEXT;
ALTER TABLE artefacts ADD COLUMN mail_verified INTEGER;
ALTER TABLE artefacts ADD COLUMN mail_reason TEXT;

-- Messages in mailboxes; the four name one for ever (RFC 9051 §2.3.1.1).
CREATE TABLE mails (
    account     TEXT NOT NULL,              -- the begin of an IMAP URL (RFC 5092)
    folder      TEXT NOT NULL,
    uidvalidity INTEGER NOT NULL,
    uid         INTEGER NOT NULL,
    artefact_id INTEGER REFERENCES artefacts, -- null: it could not be fetched, or holds no report
    settled     TEXT CHECK (settled IN ('kept', 'moved', 'flagged', 'deleted', 'left', 'gone', 'copying', 'unfetchable')),
    reason      TEXT,
    tries       INTEGER NOT NULL DEFAULT 0, -- how often it could not be fetched
    retry_at    TEXT,
    PRIMARY KEY (account, folder, uidvalidity, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX mails_open ON mails (account, folder, uidvalidity, uid) WHERE (settled IS NULL OR settled IN ('copying', 'unfetchable'));

-- How it goes with each folder that is read from: of a mailbox, or of files (account '').
CREATE TABLE folders (
    account       TEXT NOT NULL,
    folder        TEXT NOT NULL,
    looked_at     TEXT,                     -- when all that was there had last been looked at
    trouble       TEXT,
    trouble_since TEXT,
    PRIMARY KEY (account, folder)
) STRICT, WITHOUT ROWID;
