"""What `dmarcscope resolve` would have found out about the labelled world, put into the ledger: with gaps, as they are in life."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from benchmarks.labelled.scene import Scene
from benchmarks.labelled.things import DAYS, FIRST_DAY, Host
from benchmarks.labelled.traffic import Report
from benchmarks.labelled.zone import TODAY, Key
from dmarcscope.lookup.cache import Kept
from dmarcscope.model.answer import Answer, Outcome, Question
from dmarcscope.model.source_check import Check, KeyCheck, KeyToday, PtrResult, SourceCheck, SpfToday, WalkCheck
from dmarcscope.store.answers import LedgerNotes
from dmarcscope.store.checks import Checks
from dmarcscope.store.ledger import Ledger

NEVER_ASKED, UNTOLD = 0.07, 0.03
"""Shares of sources about which nobody asked, and which could not be told."""
NO_KEY_ASKED = 0.05
LOOKED = (20, 50, TODAY)
"""Days on which the DNS was asked about keys and names."""
START = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC)
NOW = START + timedelta(days=DAYS, hours=3)


class Met:
    """The sources, pairs, keys and author domains that reports name."""

    def __init__(self) -> None:
        self.hosts: dict[str, Host] = {}
        self.pairs: dict[tuple[str, str], None] = {}
        self.keys: dict[tuple[str, str], None] = {}
        self.authors: dict[str, None] = {}

    def note(self, report: Report) -> None:
        """Note what a report names."""
        for line in report.lines:
            if line.source_ip not in self.hosts:
                self.hosts[line.source_ip] = next(host for host in line.flow.hosts if host.ip == line.source_ip)
            self.authors.setdefault(line.header_from)
            self.pairs.setdefault((line.source_ip, line.header_from))
            for spf in line.spf:
                if spf["scope"] != "helo" and spf["domain"] and "." in spf["domain"]:
                    self.pairs.setdefault((line.source_ip, spf["domain"]))
            for one in line.dkim:
                if one["domain"] and one["selector"]:
                    self.keys.setdefault((one["domain"], one["selector"]))


def put_facts(ledger: Ledger, scene: Scene, met: Met) -> None:
    """Put all into the ledger."""
    Checks(ledger).put(_checks(scene, met), NOW)
    notes = LedgerNotes(ledger)
    for day in LOOKED:
        at = (NOW if day == TODAY else START + timedelta(days=day)).timestamp()
        notes.put_many([Kept(answer, at, at) for answer in _answers(scene, met, day)])
    if notes.trouble is not None:
        raise notes.trouble


def _checks(scene: Scene, met: Met) -> Iterator[Check]:
    rng = scene.rng("facts")
    asked = set()
    for host in met.hosts.values():
        chance = rng.random()
        if chance >= NEVER_ASKED:
            asked.add(host.ip)
            yield _source(host) if chance >= NEVER_ASKED + UNTOLD else SourceCheck(host.ip, trouble="no answer in time")
    yield from (_spf(scene, ip, domain) for ip, domain in met.pairs if ip in asked)
    yield from (_key(scene, *pair) for pair in met.keys if rng.random() >= NO_KEY_ASKED)
    yield from (WalkCheck(author) for author in met.authors)


def _source(host: Host) -> SourceCheck:
    if host.name is None:
        return SourceCheck(host.ip, PtrResult.PERMERROR.value, None, ptr_confirmed=False)
    return SourceCheck(host.ip, (PtrResult.PASS if host.confirmed else PtrResult.FAIL).value, host.name, host.confirmed)


def _spf(scene: Scene, ip: str, domain: str) -> SpfToday:
    result, hit = scene.zone.spf_of(domain, ip, TODAY)
    if hit is None:
        return SpfToday(ip, domain, result, None, "[]", f"{domain} says {result}")
    matched = f"ip4:{ip}" if hit.includes else hit.term
    path = [(domain, hit.term), *((include, matched) for include in hit.includes)]
    return SpfToday(ip, domain, result, matched, json.dumps(path), f"{domain} lists it")


def _key(scene: Scene, domain: str, selector: str) -> KeyCheck:
    if scene.zone.has_key(domain, selector, TODAY):
        return KeyCheck(domain, selector, KeyToday.USABLE.value, "rsa", 2048)
    return KeyCheck(domain, selector, KeyToday.MISSING.value)


def _answers(scene: Scene, met: Met, day: int) -> Iterable[Answer]:
    """What the DNS answered on a day about keys, DMARC records and author domains."""
    for domain, selector in met.keys:
        yield _key_answer(f"{selector}._domainkey.{domain}", scene.zone.keys.get((domain, selector)), day)
    for one in scene.domains:
        policy = f"v=DMARC1; p={one.p}; sp={one.sp}; adkim={one.adkim}; aspf={one.aspf}" + (f"; np={one.np}" if one.np else "")
        yield _text(f"_dmarc.{one.name}", policy)
    for author in met.authors:
        if author in scene.zone.absent:
            yield Answer(Question(author, "TXT"), Outcome.NXDOMAIN)
            yield Answer(Question(f"_dmarc.{author}", "TXT"), Outcome.NXDOMAIN)
        elif author in scene.zone.spf:
            yield _text(author, _spf_text(scene, author, day))
        else:
            yield Answer(Question(author, "TXT"), Outcome.NO_DATA)


def _key_answer(name: str, key: Key | None, day: int) -> Answer:
    question = Question(name, "TXT")
    if key is None or not key.first <= day <= key.last:
        return Answer(question, Outcome.NXDOMAIN)
    record = "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA"
    return Answer(question, Outcome.FOUND, (record,), ((record,),), (key.alias,) if key.alias else ())


def _spf_text(scene: Scene, domain: str, day: int) -> str:
    record = scene.zone.spf[domain]
    terms = dict.fromkeys(term.term for term in record.terms if term.first <= day <= term.last and term.term != "-all")
    mark = {"softfail": "~", "fail": "-", "neutral": "?"}[record.otherwise]
    return " ".join(("v=spf1", *terms, f"{mark}all"))


def _text(name: str, record: str) -> Answer:
    return Answer(Question(name, "TXT"), Outcome.FOUND, (record,), ((record,),))
