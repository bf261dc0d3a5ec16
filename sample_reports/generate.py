"""Writes the sample reports of one invented domain, and the truth about them, the same bytes on every run.

``python generate.py`` writes ``reports/``, ``truth.json``, and the DNS in ``zones/`` beside this file.
``--into FOLDER`` writes them elsewhere.
The story is in README.md. The tables below tell it: who sends (``SENDERS``), who reports (``REPORTERS``), and what each
reporter does with mail that fails. Every number that looks random is a hash of what it is about (``chance``), so that a
change to one sender leaves the figures of all others as they were.

Truth is counted from the records themselves before they become XML, so it does not depend on any reader of reports.
"""

import argparse
import base64
import hashlib
import io
import ipaddress
import json
import struct
import sys
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import TypeAlias
from xml.sax.saxutils import escape

DOMAIN = "example.com"
NEWS_DOMAIN = "news.example.com"
NEWS_BOUNCES = "bounce.news.example.com"
FIRST_DAY = date(2026, 4, 27)
WEEKEND = (5, 6)
DAYS = tuple(FIRST_DAY + timedelta(days=number) for number in range(28))
NEW_SENDER_SINCE = date(2026, 5, 11)
# A second SPF record was published: a check of the domain gives permerror from here on (RFC 7208 §4.5).
SPF_MISTAKE_SINCE = date(2026, 5, 18)
BURSTS = {
    date(2026, 4, 30): 420,
    date(2026, 5, 6): 380,
    date(2026, 5, 13): 650,
    date(2026, 5, 14): 510,
    date(2026, 5, 21): 720,
}
DUPLICATE = ("webmail.example", date(2026, 5, 5))
UNREADABLE = ("shield.example", date(2026, 5, 14))


# --- who sends ---


@dataclass(frozen=True, slots=True)
class Signature:
    """One DKIM signature and what came of it."""

    domain: str
    selector: str
    result: str = "pass"


@dataclass(frozen=True, slots=True)
class Case:
    """One way in which a sender's mail reaches a reporter; ``kind`` picks the treatment when DMARC fails."""

    kind: str
    sources: tuple[str, ...]
    share: float
    header_from: str
    envelope_from: str
    spf: str
    signatures: tuple[Signature, ...] = ()

    @property
    def dkim_aligned(self) -> bool:
        return any(signature.result == "pass" and aligned(signature.domain, self.header_from) for signature in self.signatures)

    @property
    def spf_aligned(self) -> bool:
        return self.spf == "pass" and aligned(self.envelope_from, self.header_from)


@dataclass(frozen=True, slots=True)
class Sender:
    """A system behind sources: its true role, how much it sends, and in which ways."""

    role: str
    owner: str
    cases: tuple[Case, ...]
    weekday: int
    weekend: int
    peaks: Mapping[date, int] = field(default_factory=dict)
    since: date = FIRST_DAY
    active_share: float = 1.0

    def volume(self, day: date) -> int:
        """Messages sent on this day to all reporters together."""
        if day < self.since:
            return 0
        return self.peaks.get(day, self.weekend if day.weekday() in WEEKEND else self.weekday)


def aligned(authenticated: str, header_from: str) -> bool:
    """Relaxed alignment; in this data set every organizational domain is the last two labels."""
    return authenticated.split(".")[-2:] == header_from.split(".")[-2:]


def newsletter_peaks() -> dict[date, int]:
    """Newsletters leave on Tuesday and Thursday."""
    return {day: 1000 for day in DAYS if day.weekday() in {1, 3}}


def not_set_up(vendor: str, selector: str, sources: tuple[str, ...]) -> Case:
    """Mail of a service that uses its own domain for everything but the author: all passes, nothing is aligned."""
    return Case("ordinary", sources, 1.0, DOMAIN, vendor, "pass", (Signature(vendor, selector),))


OWN_SOURCES = ("192.0.2.10", "2001:db8::10")
LETTERBOX_SOURCES = ("198.51.100.2", "198.51.100.3", "198.51.100.4", "198.51.100.5")
HOSTING_SOURCES = ("198.51.100.113", "198.51.100.114")
SPOOFER_SOURCES = (
    *(f"203.0.113.{number}" for number in range(7, 223, 6)),
    *(f"2001:db8:bad::{number:x}" for number in range(1, 7)),
)
OWN_SIGNATURE = Signature(DOMAIN, "2026a")
BROKEN_SIGNATURE = Signature(DOMAIN, "2026a", "fail")
SPAM_SIGNATURE = Signature("spam.example", "x")
LIST_SIGNATURES = (BROKEN_SIGNATURE, Signature("lists.example.net", "list"))
LETTERBOX_SIGNATURES = (Signature(DOMAIN, "lb1"), Signature("letterbox.example", "k1"))

SENDERS = {
    "Own mail server": Sender(
        "the owner's own server mail.example.com",
        "ours",
        (Case("ordinary", OWN_SOURCES, 1.0, DOMAIN, DOMAIN, "pass", (OWN_SIGNATURE,)),),
        weekday=300,
        weekend=90,
    ),
    "Letterbox": Sender(
        "newsletter service, set up well: both DKIM and SPF are aligned",
        "vendor",
        (
            Case("ordinary", LETTERBOX_SOURCES, 0.75, NEWS_DOMAIN, NEWS_BOUNCES, "pass", LETTERBOX_SIGNATURES),
            Case("ordinary", LETTERBOX_SOURCES, 0.25, DOMAIN, NEWS_BOUNCES, "pass", LETTERBOX_SIGNATURES),
        ),
        weekday=60,
        weekend=25,
        peaks=newsletter_peaks(),
    ),
    "Billwell": Sender(
        "invoice service, legitimate: signs and bounces with its own domain only, so DMARC fails",
        "vendor",
        (not_set_up("billwell.example", "inv", ("198.51.100.33", "198.51.100.34")),),
        weekday=70,
        weekend=8,
        peaks={date(2026, 4, 30): 260, date(2026, 5, 1): 340, date(2026, 5, 15): 180},
    ),
    "Mailing list": Sender(
        "lists.example.net: rewrites the subject, so the author's DKIM signature breaks",
        "list",
        (Case("list", ("198.51.100.65",), 1.0, DOMAIN, "lists.example.net", "pass", LIST_SIGNATURES),),
        weekday=45,
        weekend=20,
    ),
    "Alumni forwarder": Sender(
        "alumni addresses passed on unchanged: SPF breaks, DKIM survives",
        "forwarder",
        (Case("forwarded", ("198.51.100.97",), 1.0, DOMAIN, DOMAIN, "softfail", (OWN_SIGNATURE,)),),
        weekday=30,
        weekend=12,
    ),
    "Hosting forwarder": Sender(
        "a web hoster's forwarding with a rewritten envelope; one message in five has a broken DKIM signature",
        "forwarder",
        (
            Case("forwarded", HOSTING_SOURCES, 0.8, DOMAIN, "srs.hosting.example", "pass", (OWN_SIGNATURE,)),
            Case("forwarded", HOSTING_SOURCES, 0.2, DOMAIN, "srs.hosting.example", "pass", (BROKEN_SIGNATURE,)),
        ),
        weekday=45,
        weekend=20,
    ),
    "Spoofer": Sender(
        "somebody who sends as the domain without leave, in bursts from many addresses",
        "spoofer",
        (
            Case("spoof", SPOOFER_SOURCES[0::4], 0.35, DOMAIN, DOMAIN, "softfail"),
            Case("spoof", SPOOFER_SOURCES[1::4], 0.25, DOMAIN, "spam.example", "fail", (SPAM_SIGNATURE,)),
            Case("spoof", SPOOFER_SOURCES[2::4], 0.25, DOMAIN, "junk.test", "none"),
            Case("absent_subdomain", SPOOFER_SOURCES[3::4], 0.15, f"payroll.{DOMAIN}", "junk.test", "none"),
        ),
        weekday=12,
        weekend=9,
        peaks=BURSTS,
        active_share=0.45,
    ),
    "Deskpilot": Sender(
        "help-desk service that a department has begun to use, without DKIM and SPF for the domain",
        "vendor",
        (not_set_up("deskpilot.example", "dp", ("198.51.100.129", "198.51.100.130")),),
        weekday=65,
        weekend=18,
        since=NEW_SENDER_SINCE,
    ),
}


# --- who reports ---


@dataclass(frozen=True, slots=True)
class Treatment:
    """What a reporter does with mail that fails DMARC, and the reason it gives for leaving the policy."""

    disposition: str
    reason: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a reporter writes its XML. ``policy`` is in the order in which it is written."""

    policy: tuple[tuple[str, str], ...]
    declaration: str = '<?xml version="1.0" encoding="UTF-8"?>\n'
    namespace: str = ""
    version: str = "1.0"
    generator: str = ""
    passing: str = "none"
    identifiers: tuple[str, ...] = ("envelope_from", "header_from")
    result_detail: tuple[str, ...] = ("selector", "scope")
    word: Callable[[str], str] = str.lower
    number: str = "{}"


@dataclass(frozen=True, slots=True)
class Reporter:
    """An organisation that reports: its part of the mail, its days, how it judges, writes and delivers."""

    org_name: str
    share: float
    dialect: Dialect
    id_form: str
    containers: tuple[str, ...]
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    period_days: int = 1
    failing: Treatment = Treatment("quarantine")
    treatments: Mapping[str, Treatment] = field(default_factory=dict)


OLD_POLICY = (
    ("domain", DOMAIN),
    ("adkim", "r"),
    ("aspf", "r"),
    ("p", "quarantine"),
    ("sp", "quarantine"),
    ("pct", "100"),
)
NEW_POLICY = (
    ("domain", DOMAIN),
    ("p", "quarantine"),
    ("sp", "quarantine"),
    ("np", "reject"),
    ("adkim", "r"),
    ("aspf", "r"),
    ("discovery_method", "treewalk"),
    ("testing", "n"),
)
REJECT_SPOOF = Treatment("reject", "local_policy", "source is on a block list")
NO_ENFORCEMENT = Treatment("none", "local_policy", "results are reported but not applied here")

# By the reporter's domain. `containers` is a cycle over its reports; ONE_OFF has the exceptions.
REPORTERS = {
    "webmail.example": Reporter(
        "Big Webmail",
        0.45,
        Dialect(OLD_POLICY, identifiers=("header_from",)),
        "{digits}",
        ("xml.gz", "xml.gz", "eml+gz", "xml.gz"),
        treatments={
            "list": Treatment("none", "local_policy", "arc=pass (as.1.lists.example.net=pass)"),
            "forwarded": Treatment("none", "forwarded"),
        },
    ),
    "mailbox.example": Reporter(
        "Mailbox Example",
        0.27,
        Dialect(
            NEW_POLICY,
            namespace="urn:ietf:params:xml:ns:dmarc-2.0",
            generator="Mailbox Example Reporter 4.2",
            passing="pass",
        ),
        "{begin}.{hex}@mailbox.example",
        ("xml.gz", "xml.gz", "xml.gz", "eml+gz", "xml.gz"),
        treatments={
            "list": Treatment("none", "mailing_list"),
            "forwarded": Treatment("none", "trusted_forwarder", "known forwarding service"),
            # The published np=reject, so no reason is due.
            "absent_subdomain": Treatment("reject"),
        },
    ),
    "shield.example": Reporter(
        "Corporate Shield",
        0.16,
        Dialect(
            (*OLD_POLICY, ("fo", "1")),
            namespace="http://dmarc.org/dmarc-xml/0.1",
            identifiers=("envelope_to", "envelope_from", "header_from"),
        ),
        "{hex}",
        ("zip",),
        weekdays=(0, 1, 2, 3, 4),
        treatments={
            "spoof": REJECT_SPOOF,
            "absent_subdomain": REJECT_SPOOF,
            "forwarded": Treatment("none", "trusted_forwarder", "forwarder is on the allow list"),
        },
    ),
    "uni.example": Reporter(
        "University of Example",
        0.08,
        Dialect(OLD_POLICY, version="", result_detail=()),
        "{domain}:{begin}",
        ("xml",),
        weekdays=(0, 1, 3, 5),
        failing=NO_ENFORCEMENT,
    ),
    "isp.example": Reporter(
        "Regional ISP",
        0.04,
        Dialect(OLD_POLICY, declaration="", result_detail=("scope",), word=str.upper, number=" {} "),
        "ISP-{begin}-{end}",
        ("xml.gz", "xml"),
        weekdays=(0,),
        period_days=7,
        treatments={"list": Treatment("none", "mailing_list"), "forwarded": Treatment("none", "forwarded")},
    ),
}
ONE_OFF = {
    DUPLICATE: ("eml+gz", "xml.gz"),
    ("mailbox.example", date(2026, 5, 8)): ("eml=gz",),
    ("shield.example", date(2026, 5, 19)): ("eml+zip",),
    ("webmail.example", date(2026, 5, 10)): ("zip",),
}


# --- reports ---


@dataclass(frozen=True, slots=True)
class Record:
    """One ``<record>``, with the name of its true sender, which no report knows."""

    sender: str
    source_ip: str
    count: int
    case: Case
    treatment: Treatment

    def tally(self) -> Counter[str]:
        """The four counts that truth keeps of everything."""
        dkim, spf = self.case.dkim_aligned, self.case.spf_aligned
        return Counter(
            messages=self.count,
            dmarc_pass=self.count * (dkim or spf),
            dkim_aligned=self.count * dkim,
            spf_aligned=self.count * spf,
        )


@dataclass(frozen=True, slots=True)
class Report:
    """One aggregate report as its reporter means it."""

    domain: str
    first_day: date
    records: tuple[Record, ...]

    @property
    def reporter(self) -> Reporter:
        return REPORTERS[self.domain]

    @property
    def begin(self) -> datetime:
        return datetime(self.first_day.year, self.first_day.month, self.first_day.day, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        return self.begin + timedelta(days=self.reporter.period_days, seconds=-1)

    @property
    def sent(self) -> datetime:
        """When the report was made: some time in the night after its period."""
        return self.end + timedelta(minutes=20 + int(300 * chance("sent", self.domain, self.first_day)))

    @property
    def stem(self) -> str:
        """The file name of RFC 7489 §7.2.1.1 without its ending."""
        return f"{self.domain}!{DOMAIN}!{stamp(self.begin)}!{stamp(self.end)}"

    @property
    def report_id(self) -> str:
        digest = hashlib.sha256(self.stem.encode()).hexdigest()
        return self.reporter.id_form.format(
            digits=int(digest[:15], 16), hex=digest[:24], domain=DOMAIN, begin=stamp(self.begin), end=stamp(self.end)
        )


def stamp(moment: datetime) -> int:
    return int(moment.timestamp())


def chance(*about: object) -> float:
    """A number from 0 up to 1 that depends on nothing but its arguments, on every machine and Python."""
    digest = hashlib.sha256("|".join(map(str, about)).encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def messages_seen(name: str, case_number: int, source: str, day: date, domain: str) -> int:
    """How many messages of one case from one source this reporter saw on this day."""
    sender, reporter = SENDERS[name], REPORTERS[domain]
    # A source that rests on a day rests for every reporter, as a botnet's would.
    if chance("active", source, day) >= sender.active_share:
        return 0
    case = sender.cases[case_number]
    expected = sender.volume(day) * reporter.share * case.share / (len(case.sources) * sender.active_share)
    spread = 0.75 + 0.5 * chance("spread", name, case_number, source, day, domain)
    # Rounding by chance: a trickle of 0.2 a day is one message on some days, not zero on all.
    return int(expected * spread + chance("round", name, case_number, source, day, domain))


def as_seen(case: Case, day: date) -> Case:
    """The case as receivers judged it on this day: the mistake spoils every SPF check of the domain."""
    broken = day >= SPF_MISTAKE_SINCE and case.envelope_from == DOMAIN
    return replace(case, spf="permerror") if broken else case


def records_of(domain: str, days: Iterable[date]) -> Iterator[Record]:
    """The records of one report, one per source and case, the largest first."""
    reporter = REPORTERS[domain]
    counts: Counter[tuple[str, str, Case]] = Counter()
    for day in days:
        for name, sender in SENDERS.items():
            for number, case in enumerate(sender.cases):
                for source in case.sources:
                    counts[name, source, as_seen(case, day)] += messages_seen(name, number, source, day, domain)
    for (name, source, case), count in counts.most_common():
        if count:
            passes = case.dkim_aligned or case.spf_aligned
            failing = reporter.treatments.get(case.kind, reporter.failing)
            yield Record(name, source, count, case, Treatment(reporter.dialect.passing) if passes else failing)


def all_reports() -> Iterator[Report]:
    """Every report that can be read, each once."""
    for domain, reporter in REPORTERS.items():
        for number, day in enumerate(DAYS):
            if day.weekday() in reporter.weekdays and (domain, day) != UNREADABLE:
                yield Report(domain, day, tuple(records_of(domain, DAYS[number : number + reporter.period_days])))


# --- XML ---

# A name and what is inside: text, or further elements.
Element: TypeAlias = "tuple[str, str | list[Element]]"


def lines_of(element: Element, depth: int = 0) -> Iterator[str]:
    """One element as indented lines of XML."""
    name, content = element
    indent = "  " * depth
    if isinstance(content, str):
        yield f"{indent}<{name}>{escape(content)}</{name}>\n"
        return
    yield f"{indent}<{name}>\n"
    for child in content:
        yield from lines_of(child, depth + 1)
    yield f"{indent}</{name}>\n"


def metadata_of(report: Report) -> Element:
    reporter = report.reporter
    generator: list[Element] = [("generator", reporter.dialect.generator)] if reporter.dialect.generator else []
    return (
        "report_metadata",
        [
            ("org_name", reporter.org_name),
            ("email", f"dmarc-noreply@{report.domain}"),
            ("extra_contact_info", f"https://{report.domain}/dmarc"),
            ("report_id", report.report_id),
            ("date_range", [("begin", str(stamp(report.begin))), ("end", str(stamp(report.end)))]),
            *generator,
        ],
    )


def policy_evaluated_of(record: Record, word: Callable[[str], str]) -> Element:
    treatment, verdict = record.treatment, {True: "pass", False: "fail"}
    content: list[Element] = [
        ("disposition", word(treatment.disposition)),
        ("dkim", word(verdict[record.case.dkim_aligned])),
        ("spf", word(verdict[record.case.spf_aligned])),
    ]
    if treatment.reason:
        comment: list[Element] = [("comment", treatment.comment)] if treatment.comment else []
        content.append(("reason", [("type", treatment.reason), *comment]))
    return "policy_evaluated", content


def auth_results_of(case: Case, dialect: Dialect) -> Element:
    content: list[Element] = []
    for signature in case.signatures:
        selector: list[Element] = [("selector", signature.selector)] if "selector" in dialect.result_detail else []
        content.append(("dkim", [("domain", signature.domain), *selector, ("result", dialect.word(signature.result))]))
    scope: list[Element] = [("scope", "mfrom")] if "scope" in dialect.result_detail else []
    # Only RFC 9990 has a place for words about an SPF result; its dialect is the one that names a generator.
    told = case.spf == "permerror" and dialect.generator
    human: list[Element] = [("human_result", f"{DOMAIN} has more than one SPF record")] if told else []
    content.append(("spf", [("domain", case.envelope_from), *scope, ("result", dialect.word(case.spf)), *human]))
    return "auth_results", content


def record_of(record: Record, reporter_domain: str) -> Element:
    dialect, case = REPORTERS[reporter_domain].dialect, record.case
    known = {"envelope_to": reporter_domain, "envelope_from": case.envelope_from, "header_from": case.header_from}
    row: list[Element] = [
        ("source_ip", record.source_ip),
        ("count", dialect.number.format(record.count)),
        policy_evaluated_of(record, dialect.word),
    ]
    identifiers: list[Element] = [(name, known[name]) for name in dialect.identifiers]
    return "record", [("row", row), ("identifiers", identifiers), auth_results_of(case, dialect)]


def xml_of(report: Report) -> bytes:
    """The report as its reporter writes it."""
    dialect = report.reporter.dialect
    version: list[Element] = [("version", dialect.version)] if dialect.version else []
    policy: list[Element] = list(dialect.policy)
    content: list[Element] = [
        *version,
        metadata_of(report),
        ("policy_published", policy),
        *(record_of(record, report.domain) for record in report.records),
    ]
    namespace = f' xmlns="{dialect.namespace}"' if dialect.namespace else ""
    body = "".join(line for element in content for line in lines_of(element, 1))
    return f"{dialect.declaration}<feedback{namespace}>\n{body}</feedback>\n".encode()


# --- containers ---


def deflated(data: bytes) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return squeeze.compress(data) + squeeze.flush()


def gzip_header(report: Report) -> bytes:
    """RFC 1952 §2.3 with the report's own time; the system is «unknown», as Python's choice varies."""
    return struct.pack("<4sIBB", b"\x1f\x8b\x08\x00", stamp(report.sent), 2, 255)


def gzipped(report: Report) -> bytes:
    data = xml_of(report)
    return gzip_header(report) + deflated(data) + struct.pack("<II", zlib.crc32(data), len(data))


def damaged(report: Report) -> bytes:
    """A gzip file whose first deflate block has the reserved type (RFC 1951 §3.2.3): nothing can be recovered."""
    noise = hashlib.shake_256(report.stem.encode()).digest(1200)
    return gzip_header(report) + b"\xff" * 16 + noise


def zipped(report: Report) -> bytes:
    entry = zipfile.ZipInfo(f"{report.stem}.xml", report.sent.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    # Unix, whatever runs this: the default is the machine's own.
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(entry, xml_of(report), compresslevel=9)
    return target.getvalue()


def attachment(report: Report, media_type: str, ending: str, data: bytes) -> str:
    """The headers and the body of a mail part."""
    name = f"{report.stem}.{ending}"
    return (
        f'Content-Type: {media_type}; name="{name}"\n'
        f'Content-Disposition: attachment; filename="{name}"\n'
        "Content-Transfer-Encoding: base64\n"
        f"\n{base64.encodebytes(data).decode()}"
    )


def mail_headers(report: Report) -> str:
    return (
        f"From: {report.reporter.org_name} <dmarc-noreply@{report.domain}>\n"
        f"To: dmarc-reports@{DOMAIN}\n"
        f"Subject: Report Domain: {DOMAIN} Submitter: {report.domain}\n"
        f" Report-ID: <{report.report_id}>\n"
        f"Date: {format_datetime(report.sent)}\n"
        f"Message-ID: <{stamp(report.sent)}.dmarc@{report.domain}>\n"
        "MIME-Version: 1.0\n"
    )


def mail_with(report: Report, part: str) -> bytes:
    """A mail with a line for people and the report attached."""
    boundary = f"=_{hashlib.sha256(report.stem.encode()).hexdigest()[:24]}"
    return (
        f"{mail_headers(report)}"
        f'Content-Type: multipart/mixed; boundary="{boundary}"\n'
        f"\n--{boundary}\nContent-Type: text/plain; charset=us-ascii\n"
        f"\nThis is a DMARC aggregate report about {DOMAIN} from {report.reporter.org_name}.\n"
        f"\n--{boundary}\n{part}"
        f"\n--{boundary}--\n"
    ).encode()


def mail_with_gzip(report: Report) -> bytes:
    return mail_with(report, attachment(report, "application/gzip", "xml.gz", gzipped(report)))


def mail_with_zip(report: Report) -> bytes:
    return mail_with(report, attachment(report, "application/zip", "zip", zipped(report)))


def mail_that_is_gzip(report: Report) -> bytes:
    """A mail without parts: the report is its only body."""
    return (mail_headers(report) + attachment(report, "application/gzip", "xml.gz", gzipped(report))).encode()


# By the names used in the tables above; the file's ending is what comes before + or =.
CONTAINERS: Mapping[str, Callable[[Report], bytes]] = {
    "xml": xml_of,
    "xml.gz": gzipped,
    "zip": zipped,
    "eml+gz": mail_with_gzip,
    "eml+zip": mail_with_zip,
    "eml=gz": mail_that_is_gzip,
}


def files_of(report: Report, number: int) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file in which this report, its reporter's ``number``-th, is delivered."""
    usual = report.reporter.containers
    for kind in ONE_OFF.get((report.domain, report.first_day), (usual[number % len(usual)],)):
        yield f"{report.stem}.{kind.replace('=', '+').split('+')[0]}", CONTAINERS[kind](report)


# --- truth ---


def totals(records: Iterable[Record]) -> dict[str, int]:
    counts = Counter(messages=0, dmarc_pass=0, dkim_aligned=0, spf_aligned=0)
    for record in records:
        counts.update(record.tally())
    return dict(counts)


def grouped(reports: Iterable[Report], key: Callable[[Report, Record], str]) -> dict[str, list[tuple[Report, Record]]]:
    """All records with their reports, by a key, in the order of first appearance."""
    groups: dict[str, list[tuple[Report, Record]]] = defaultdict(list)
    for report in reports:
        for record in report.records:
            groups[key(report, record)].append((report, record))
    return groups


def week_of(report: Report) -> str:
    """The ISO week of the period, which no report of the set leaves."""
    year, week, _ = report.first_day.isocalendar()
    return f"{year}-W{week:02}"


def in_order(addresses: Iterable[str]) -> list[str]:
    def rank(text: str) -> tuple[int, int]:
        address = ipaddress.ip_address(text)
        return address.version, int(address)

    return sorted(set(addresses), key=rank)


def truth_of_sender(name: str, seen: list[tuple[Report, Record]]) -> dict[str, object]:
    return {
        "role": SENDERS[name].role,
        "owner": SENDERS[name].owner,
        "sources": in_order(record.source_ip for _, record in seen),
        **totals(record for _, record in seen),
        "first_seen": min(report.begin for report, _ in seen).isoformat(),
        "last_seen": max(report.end for report, _ in seen).isoformat(),
    }


def truth_of_source(seen: list[tuple[Report, Record]]) -> dict[str, object]:
    return {
        **totals(record for _, record in seen),
        "reporters": sorted({report.reporter.org_name for report, _ in seen}),
    }


def truth_of_reporter(domain: str, seen: list[tuple[Report, Record]]) -> dict[str, object]:
    reports = len({report.stem for report, _ in seen})
    return {"domain": domain, "reports": reports, **totals(record for _, record in seen)}


def truth_of_artefacts(reports: list[Report], files: Mapping[str, bytes]) -> dict[str, int]:
    return {
        "artefacts": len(files),
        "stored": len(reports),
        "duplicate": len(files) - len(reports) - 1,
        "superseded": 0,
        "sidelined": 1,
        "ignored": 0,
        "reports": len(reports),
        "records": sum(len(report.records) for report in reports),
        "messages": sum(record.count for report in reports for record in report.records),
    }


def truth_of(reports: list[Report], files: Mapping[str, bytes]) -> dict[str, object]:
    """What a perfect reader of the files would say."""
    records = [record for report in reports for record in report.records]
    dispositions: Counter[str] = Counter()
    for record in records:
        dispositions[record.treatment.disposition] += record.count
    senders = grouped(reports, lambda _, record: record.sender)
    sources = grouped(reports, lambda _, record: record.source_ip)
    weeks = {name: totals(record for _, record in seen) for name, seen in grouped(reports, lambda r, _: week_of(r)).items()}
    first, second = sorted(name for name in files if name.startswith(Report(*DUPLICATE, ()).stem))
    return {
        "domain": DOMAIN,
        "weeks": sorted(weeks),
        "artefacts": truth_of_artefacts(reports, files),
        "totals": {**totals(records), "disposition": dict(sorted(dispositions.items()))},
        "story": {
            "spf_mistake_since": SPF_MISTAKE_SINCE.isoformat(),
            "new_sender": "Deskpilot",
            "new_sender_since": NEW_SENDER_SINCE.isoformat(),
            "spoofing_bursts": [day.isoformat() for day in BURSTS],
            # The same report in two containers; whichever is read second is the duplicate.
            "duplicate": {"file": second, "same_report_as": first},
            "unreadable": f"{Report(*UNREADABLE, ()).stem}.xml.gz",
        },
        "senders": {name: truth_of_sender(name, senders[name]) for name in SENDERS},
        "by_week": {name: weeks[name] for name in sorted(weeks)},
        "per_reporter": {
            REPORTERS[domain].org_name: truth_of_reporter(domain, seen)
            for domain, seen in grouped(reports, lambda report, _: report.domain).items()
        },
        "per_source_ip": {source: truth_of_source(sources[source]) for source in in_order(sources)},
    }


# --- the DNS ---

# What the domains of the story publish after its last day, so with the mistake of the fourth week. Names end as in master files
# (RFC 1035 §5): those without a final dot are below the zone's own. KEY(…) stands for a key; see ``key_record``.
EXAMPLE_COM = """\
@ MX 10 mail
@ A 192.0.2.80
; The mistake: a second SPF record beside the first, for the new help desk. It should have been one (RFC 7208 §3.2).
@ TXT "v=spf1 mx ~all"
@ TXT "v=spf1 include:_spf.deskpilot.example ~all"
_dmarc TXT "v=DMARC1; p=quarantine; sp=quarantine; np=reject; rua=mailto:dmarc-reports@example.com"
mail A 192.0.2.10
mail AAAA 2001:db8::10
mail TXT "v=spf1 a -all"
news MX 10 mail
bounce.news MX 10 in.letterbox.example.
bounce.news TXT "v=spf1 include:_spf.letterbox.example -all"
2026a._domainkey TXT KEY(2026a.example.com, 2048)
2024._domainkey TXT "v=DKIM1; p="
lb1._domainkey CNAME example-com.dkim.letterbox.example.
_mta-sts TXT "v=STSv1; id=20260401"
mta-sts A 192.0.2.80
_smtp._tls TXT "v=TLSRPTv1; rua=mailto:tls-reports@example.com"
"""
EXAMPLE_NET = """\
lists A 198.51.100.65
lists MX 10 lists
lists TXT "v=spf1 a -all"
_dmarc.lists TXT "v=DMARC1; p=none"
list._domainkey.lists TXT KEY(list.lists.example.net, 2048)
"""
EXAMPLE_ORG = """\
forward.alumni A 198.51.100.97
alumni MX 10 forward.alumni
alumni TXT "v=spf1 a:forward.alumni.example.org -all"
"""
VENDORS = """\
letterbox MX 10 in.letterbox
letterbox TXT "v=spf1 include:_spf.letterbox.example -all"
_spf.letterbox TXT "v=spf1 ip4:198.51.100.0/28 -all"
_dmarc.letterbox TXT "v=DMARC1; p=reject; rua=mailto:dmarc@letterbox.example"
k1._domainkey.letterbox TXT KEY(k1.letterbox.example, 2048)
example-com.dkim.letterbox TXT KEY(lb1.example.com, 2048)
in.letterbox A 198.51.100.10
out2.letterbox A 198.51.100.2
out3.letterbox A 198.51.100.3
out4.letterbox A 198.51.100.4
out5.letterbox A 198.51.100.5
billwell MX 10 out1.billwell
billwell TXT "v=spf1 ip4:198.51.100.32/28 -all"
_dmarc.billwell TXT "v=DMARC1; p=none"
inv._domainkey.billwell TXT KEY(inv.billwell.example, 1024)
out1.billwell A 198.51.100.33
out2.billwell A 198.51.100.34
deskpilot MX 10 o1.deskpilot
deskpilot TXT "v=spf1 include:_spf.deskpilot.example ~all"
_spf.deskpilot TXT "v=spf1 ip4:198.51.100.128/29 ~all"
_dmarc.deskpilot TXT "v=DMARC1; p=quarantine"
dp._domainkey.deskpilot TXT KEY(dp.deskpilot.example, 2048)
o1.deskpilot A 198.51.100.129
; The reverse name of the second address says o2, and o2 says another address: it is never confirmed.
o2.deskpilot A 198.51.100.131
hosting A 198.51.100.112
srs.hosting MX 10 mx1.hosting
srs.hosting TXT "v=spf1 ip4:198.51.100.112/28 -all"
mx1.hosting A 198.51.100.113
mx2.hosting A 198.51.100.114
spam TXT "v=spf1 -all"
x._domainkey.spam TXT KEY(x.spam.example, 1024)
"""
TEST_ZONE = """\
junk A 203.0.113.250
"""
# By the origin of each zone. The ones above the domains are there because DMARC's tree walk asks them (RFC 9989 §4.10).
ZONES = {
    "example.com": EXAMPLE_COM,
    "com": "",
    "net": "",
    "example.net": EXAMPLE_NET,
    "org": "",
    "example.org": EXAMPLE_ORG,
    "example": VENDORS,
    "test": TEST_ZONE,
}
# The names of addresses. The spoofer's have none, but their networks have a zone that says so.
NAMES = {
    "192.0.2.10": "mail.example.com",
    "2001:db8::10": "mail.example.com",
    **{f"198.51.100.{number}": f"out{number}.letterbox.example" for number in range(2, 6)},
    "198.51.100.33": "out1.billwell.example",
    "198.51.100.34": "out2.billwell.example",
    "198.51.100.65": "lists.example.net",
    "198.51.100.97": "forward.alumni.example.org",
    "198.51.100.113": "mx1.hosting.example",
    "198.51.100.114": "mx2.hosting.example",
    "198.51.100.129": "o1.deskpilot.example",
    "198.51.100.130": "o2.deskpilot.example",
}
REVERSE_ZONES = ("2.0.192.in-addr.arpa", "100.51.198.in-addr.arpa", "113.0.203.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa")
AUTHORITY = "@ SOA ns.example.com. hostmaster.example.com. 2026052500 7200 3600 604800 600\n@ NS ns.example.com.\n"
CONFIG = """\
# The DNS of the sample domain, from files: nothing is asked of anybody. Used by `make demo`.
[dns]
offline = true
zone_files = [
"""


def zone_files() -> dict[str, str]:
    """The master files by name."""
    texts = {**ZONES, **{origin: reverse_lines(origin) for origin in REVERSE_ZONES}}
    return {f"{origin}.zone": zone_text(origin, lines) for origin, lines in texts.items()}


def zone_text(origin: str, lines: str) -> str:
    """One master file."""
    head = f"$ORIGIN {origin}.\n$TTL 3600\n{AUTHORITY}"
    body = "".join(f"{with_key(line)}\n" for line in lines.splitlines())
    return head + body


def with_key(line: str) -> str:
    """A line with the key that it asks for, in strings of at most 255 characters (RFC 1035 §3.3.14)."""
    begin, asked, rest = line.partition("KEY(")
    if not asked:
        return line
    name, bits = rest.removesuffix(")").split(", ")
    text = key_record(name, int(bits))
    return begin + " ".join(f'"{text[at : at + 250]}"' for at in range(0, len(text), 250))


def key_record(name: str, bits: int) -> str:
    """A DKIM key record that looks like one (RFC 6376 §3.6.1): its modulus is a hash, and nobody has the other half."""
    noise = bytearray(hashlib.shake_256(f"key {name}".encode()).digest(bits // 8))
    noise[0] |= 0x80
    noise[-1] |= 1
    modulus, exponent = der(2, b"\0" + bytes(noise)), der(2, b"\x01\0\x01")
    algorithm = der(0x30, der(6, bytes.fromhex("2a864886f70d010101")) + der(5, b""))
    key = der(0x30, algorithm + der(3, b"\0" + der(0x30, modulus + exponent)))
    return f"v=DKIM1; k=rsa; p={base64.b64encode(key).decode()}"


def der(tag: int, content: bytes) -> bytes:
    """One element in DER (X.690 §8.1)."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def reverse_lines(origin: str) -> str:
    """The reverse names of a network."""
    named = {ipaddress.ip_address(address).reverse_pointer: name for address, name in NAMES.items()}
    below = {pointer.removesuffix(f".{origin}"): name for pointer, name in named.items() if pointer.endswith(f".{origin}")}
    return "".join(f"{label} PTR {name}.\n" for label, name in below.items())


def config_text(names: Iterable[str]) -> str:
    """A configuration that answers from the zone files."""
    return CONFIG + "".join(f'    "zones/{name}",\n' for name in sorted(names)) + "]\n"


# --- writing ---


def all_files(reports: Iterable[Report]) -> dict[str, bytes]:
    """Every file of the set by its name: the readable reports and the damaged one."""
    unreadable = Report(*UNREADABLE, ())
    files = {f"{unreadable.stem}.xml.gz": damaged(unreadable)}
    delivered: Counter[str] = Counter()
    for report in reports:
        files.update(files_of(report, delivered[report.domain]))
        delivered[report.domain] += 1
    return files


def write_into(folder: Path) -> str:
    """Writes ``reports/``, ``truth.json``, ``zones/`` and ``dmarcscope.toml`` into the folder and returns a line about them."""
    reports = list(all_reports())
    files = all_files(reports)
    target = folder / "reports"
    target.mkdir(parents=True, exist_ok=True)
    # What an earlier version wrote must not stay; a file whose name is not of our form is not ours to remove.
    for old in target.glob(f"*!{DOMAIN}!*"):
        old.unlink()
    for name, data in files.items():
        (target / name).write_bytes(data)
    zones = zone_files()
    (folder / "zones").mkdir(exist_ok=True)
    for name, text in zones.items():
        (folder / "zones" / name).write_text(text)
    (folder / "dmarcscope.toml").write_text(config_text(zones))
    truth = truth_of(reports, files)
    (folder / "truth.json").write_bytes(json.dumps(truth, indent=2, ensure_ascii=False).encode() + b"\n")
    return f"{len(files)} files, {sum(map(len, files.values()))} bytes, in {target}: {json.dumps(truth['totals'])}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes the sample reports and the truth about them.")
    parser.add_argument(
        "--into",
        type=Path,
        default=Path(__file__).parent,
        metavar="FOLDER",
        help="where to write (default: beside this file)",
    )
    sys.stdout.write(f"{write_into(parser.parse_args().into)}\n")


if __name__ == "__main__":
    main()
