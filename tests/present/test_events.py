"""Every event has its sentence, and its object; a stranger's text does no harm in either."""

import json
from datetime import UTC, datetime

import pytest

from dmarcscope.ops.events import Event, Happening
from dmarcscope.present import events

AT = datetime(2026, 5, 14, 6, 30, 15, 250_000, UTC)
INBOX = "dmarc@example.org at imap.example.org, INBOX"
COUNTS = {
    "artefacts": 12,
    "stored": 9,
    "duplicate": 2,
    "superseded": 0,
    "sidelined": 1,
    "ignored": 0,
    "reports": 9,
    "records": 30,
    "messages": 4711,
}

MAIL = {"what": "example.com", "period": "2026-05-11 to 2026-05-17", "to": "a@example.net"}

SENTENCES = [
    ("started", {"store": "dmarcscope-store", "places": [INBOX, "/drop"]}, f"watching {INBOX}; /drop; the store is dmarcscope-store"),
    ("stopped", {"artefacts": 12, "messages": 4711}, "stopped; 12 artefacts on 4,711 messages were taken in"),
    ("connected", {"place": INBOX}, f"connected to {INBOX}"),
    ("fetched", {"place": INBOX, "mails": 1}, f"took 1 mail from {INBOX}"),
    ("stored", COUNTS, "stored 9 of 12 artefacts (2 duplicate, 1 sidelined): 9 reports on 4,711 messages"),
    ("sidelined", {"name": "a.gz", "reason": "cut short"}, "could not read a.gz: cut short; its bytes are kept"),
    ("moved", {"place": INBOX, "mails": 2, "to": "done"}, f"moved 2 mails from {INBOX} to done"),
    ("flagged", {"place": INBOX, "mails": 2, "to": None}, f"flagged 2 mails in {INBOX}"),
    ("deleted", {"place": INBOX, "mails": 2, "to": None}, f"deleted 2 mails from {INBOX}"),
    ("refused", {"place": INBOX, "reason": "cannot move", "again_in": 60}, f"{INBOX}: cannot move; nothing is lost; trying again in 60 s"),
    ("refused", {"place": "/drop/a", "reason": "denied", "again_in": None}, "/drop/a: denied; nothing is lost"),
    (
        "unfetchable",
        {"place": INBOX, "uid": 42, "reason": "nothing", "again_at": AT},
        f"{INBOX}: message 42 cannot be fetched (nothing); tried again at 2026-05-14 06:30:15Z",
    ),
    (
        "uidvalidity",
        {"place": INBOX, "before": 1, "now": 2},
        f"{INBOX} was made anew (UIDVALIDITY 1 is now 2); looking at all of it again, what is known counts once",
    ),
    ("trouble", {"place": INBOX, "reason": "no route", "again_in": 1.5}, "no route; trying again in 1.5 s"),
    (
        "no-room",
        {"place": INBOX, "reason": "the spool is full", "again_in": 2},
        f"the spool is full; taking nothing, touching nothing in {INBOX}; trying again in 2 s",
    ),
    ("offline", {"reason": "locked"}, "the store cannot be written: locked. Reports are kept in the spool meanwhile"),
    (
        "online",
        {"since": AT, "taken_up": 7},
        "the store can be written again; 7 artefacts that had waited since 2026-05-14 06:30:15Z are taken up",
    ),
    (
        "looked-up",
        {"sources": 3, "spf": 4, "keys": 2, "domains": 1, "questions": 1234},
        "looked up 3 sources, 4 times SPF, 2 keys and 1 domains with 1,234 questions",
    ),
    ("lookups-wait", {"reason": "no name server answers"}, "look-ups wait: no name server answers; nothing else does"),
    ("mailed", {**MAIL, "reason": "250 OK"}, "sent the summary of example.com (2026-05-11 to 2026-05-17) to a@example.net"),
    (
        "mail-waits",
        {**MAIL, "reason": "450 later", "again_at": AT},
        "the mail about example.com (2026-05-11 to 2026-05-17) to a@example.net waits: 450 later; trying again at 2026-05-14 06:30:15Z",
    ),
    (
        "mail-refused",
        {**MAIL, "reason": "550 no"},
        "the mail about example.com (2026-05-11 to 2026-05-17) to a@example.net was refused: 550 no; it is not tried again",
    ),
    (
        "mail-unsure",
        {**MAIL, "reason": "timed out"},
        (
            "it is not sure whether the mail about example.com (2026-05-11 to 2026-05-17) to a@example.net arrived: timed out; "
            "summary --mail --again sends it"
        ),
    ),
    ("mail-hindered", {"reason": "the server offers no STARTTLS"}, "mail waits: the server offers no STARTTLS"),
]


@pytest.mark.parametrize(("what", "facts", "sentence"), SENTENCES, ids=[f"{what}-{number}" for number, (what, *_) in enumerate(SENTENCES)])
def test_sentences(what, facts, sentence):
    assert events.line(what, facts) == sentence
    told = json.loads(events.as_json(AT, what, facts, is_trouble=Event(Happening(what), facts).is_trouble))
    assert (told["event"], told["message"], told["time"]) == (what, sentence, "2026-05-14T06:30:15.250+00:00")
    assert facts.keys() <= told.keys()


def test_every_kind_of_event_has_its_sentence():
    assert {what.value for what in Happening} == events.SENTENCES.keys() == {what for what, *_ in SENTENCES}


def test_troubles_are_warnings():
    told = json.loads(events.as_json(AT, "offline", {"reason": "locked"}, is_trouble=Event(Happening.OFFLINE).is_trouble))
    assert told["level"] == "warning"


def test_a_strangers_text_stays_on_its_line():
    shown = events.line("sidelined", {"name": "a\r\n2026-01-01 forged line\x1b[31m{reason}", "reason": "{name}"})
    assert "\n" not in shown
    assert "\x1b" not in shown
    assert "\n" not in events.as_json(AT, "sidelined", {"name": "a\nb", "reason": "c"}, is_trouble=True)
