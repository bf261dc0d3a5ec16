"""Events of a watch as lines of a log: a sentence for people, or an object for machines."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dmarcscope.present.machine import plain
from dmarcscope.present.wording import counted, number, safe

# A sentence for each kind of event, with the facts in their places.
SENTENCES = {
    "started": "watching {places}; the store is {store}",
    "stopped": "stopped; {artefacts} artefacts on {messages} messages were taken in",
    "connected": "connected to {place}",
    "fetched": "took {mails} from {place}",
    "stored": "stored {stored} of {artefacts}{others}: {reports} on {messages} messages",
    "sidelined": "could not read {name}: {reason}; its bytes are kept",
    "moved": "moved {mails} from {place} to {to}",
    "flagged": "flagged {mails} in {place}",
    "deleted": "deleted {mails} from {place}",
    "refused": "{place}: {reason}; nothing is lost{again}",
    "unfetchable": "{place}: message {uid} cannot be fetched ({reason}); tried again at {again_at}",
    "uidvalidity": "{place} was made anew (UIDVALIDITY {before} is now {now}); looking at all of it again, what is known counts once",
    "trouble": "{reason}{again}",
    "no-room": "{reason}; taking nothing, touching nothing in {place}{again}",
    "offline": "the store cannot be written: {reason}. Reports are kept in the spool meanwhile",
    "online": "the store can be written again; {taken_up} artefacts that had waited since {since} are taken up",
    "looked-up": "looked up {sources} sources, {spf} times SPF, {keys} keys and {domains} domains with {questions} questions",
    "lookups-wait": "look-ups wait: {reason}; nothing else does",
    "mailed": "sent the summary of {what} ({period}) to {to}",
    "mail-waits": "the mail about {what} ({period}) to {to} waits: {reason}; trying again at {again_at}",
    "mail-refused": "the mail about {what} ({period}) to {to} was refused: {reason}; it is not tried again",
    "mail-unsure": "it is not sure whether the mail about {what} ({period}) to {to} arrived: {reason}; summary --mail --again sends it",
    "mail-hindered": "mail waits: {reason}",
}


def line(what: str, facts: Mapping[str, Any]) -> str:
    """An event as a sentence.

    >>> line("moved", {"mails": 2, "place": "dmarc@example.org at imap.example.org, INBOX", "to": "done"})
    'moved 2 mails from dmarc@example.org at imap.example.org, INBOX to done'
    """
    return SENTENCES[what].format_map({**{name: text(value) for name, value in facts.items()}, **composed(what, facts)})


def composed(what: str, facts: Mapping[str, Any]) -> dict[str, str]:
    """The parts of a sentence that several facts make together."""
    made: dict[str, str] = {}
    if "mails" in facts:
        made["mails"] = counted(facts["mails"], "mail")
    if what == "started":
        made["places"] = "; ".join(safe(place, 200) for place in facts["places"])
    if what == "stored":
        others = [f"{number(facts[state])} {state}" for state in ("duplicate", "superseded", "sidelined", "ignored") if facts[state]]
        made["others"] = f" ({', '.join(others)})" if others else ""
        made["artefacts"] = counted(facts["artefacts"], "artefact")
        made["reports"] = counted(facts["reports"], "report")
    again = facts.get("again_in")
    made["again"] = f"; trying again in {again:g} s" if again is not None else ""
    return made


def text(value: Any) -> str:
    """One fact as it stands in a sentence."""
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int):
        return number(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}Z"
    return safe(value, 500)


def as_json(at: datetime, what: str, facts: Mapping[str, Any], *, is_trouble: bool) -> str:
    """An event as one line of JSON: time, level, event, message, and every fact by its name."""
    level = "warning" if is_trouble else "info"
    told = {"time": at.isoformat(timespec="milliseconds"), "level": level, "event": what, "message": line(what, facts), **facts}
    return json.dumps(told, ensure_ascii=False, default=plain)
