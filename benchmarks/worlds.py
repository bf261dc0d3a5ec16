"""Seeded benchmark data: reports by invented reporters about invented domains, as files under ``benchmarks/data/``.

All randomness comes from ``random.Random(seed)``, so that one version of this file writes the same bytes everywhere.
Domains and addresses are from the documentation and benchmarking ranges only. Each set is a folder with a stamp beside
it; a set whose stamp matches is used again, any other is made anew. Raise ``VERSION`` when a change alters the data.
"""

import gzip
import io
import random
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from email.message import EmailMessage, Message
from email.mime.application import MIMEApplication
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from itertools import islice
from pathlib import Path

VERSION = 1
DATA = Path(__file__).parent / "data"

FIRST_DAY = 1_777_852_800  # Monday 2026-05-04 00:00 UTC, the first day of 2026-W19
DAY = 86_400
PER_FOLDER = 1_000  # files in one folder, so that large sets do not make one huge directory


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one reporter writes its reports; empty text means that it leaves the element out."""

    org_name: str
    weight: int
    indent: str | None  # None writes everything on one line
    declaration: str = '<?xml version="1.0" encoding="UTF-8" ?>'
    namespace: str = ""
    version: str = "1.0"
    contact: str = ""
    identifiers: str = "header_from"  # in this order
    selector: bool = True
    scope: bool = True
    human_result: bool = False
    hour: int = 0  # the UTC hour at which its days begin
    report_id: str = "{number}"

    @property
    def is_rfc9990(self) -> bool:
        """Whether the reporter follows RFC 9990 rather than RFC 7489."""
        return self.namespace == "urn:ietf:params:xml:ns:dmarc-2.0"


DECLARED_WITH_COMMENT = '<?xml version="1.0" encoding="utf-8"?>\n<!-- written by mill 0.9 -->'
NAMESPACE_7489 = "http://dmarc.org/dmarc-xml/0.1"
NAMESPACE_9990 = "urn:ietf:params:xml:ns:dmarc-2.0"
ALL_IDENTIFIERS = "envelope_to envelope_from header_from"

DIALECTS = (
    Dialect("mammoth-mail.example", 40, "  ", contact="https://support.mammoth-mail.example/dmarc"),
    Dialect("outpost.example", 24, "  ", identifiers=ALL_IDENTIFIERS, report_id="{hex}"),
    Dialect("yonder.example", 12, "  ", report_id="{number}.{short}", contact="postmaster@yonder.example"),
    Dialect("postal-union.example", 6, None, namespace=NAMESPACE_7489, identifiers="envelope_from header_from"),
    Dialect("fastcourier.example", 5, "\t", version="", scope=False),
    Dialect("ringmail.example", 4, None, declaration="", version="", selector=False),
    Dialect("freepost.example", 4, "    ", report_id="policy.{number}@freepost.example", human_result=True),
    Dialect("gatekeeper.example", 4, "\t", identifiers="envelope_to header_from", report_id="{hex}", hour=7),
    Dialect("nordmail.example", 3, "  ", namespace=NAMESPACE_9990, identifiers=ALL_IDENTIFIERS),
    Dialect("campus.example", 3, "  ", declaration='<?xml version="1.0"?>', report_id="<{short}@campus.example>"),
    Dialect("alpine-isp.example", 2, None, namespace=NAMESPACE_9990, report_id="{hex}", hour=22),
    Dialect("islandnet.example", 2, " ", DECLARED_WITH_COMMENT, version="0.1", human_result=True),
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One way in which mail reaches a receiver, and what the receiver then finds.

    ``signatures`` are pairs of (whose domain, result), ``spf`` is (whose domain, result).
    """

    name: str
    weight: int
    pool: str
    dkim: str
    spf: str
    signatures: tuple[tuple[str, str], ...]
    checked: tuple[str, str]
    reason: tuple[str, str] = ("", "")


KINDS = (
    Kind("own server", 38, "own", "pass", "pass", (("own", "pass"),), ("own", "pass")),
    Kind("vendor", 26, "vendor", "pass", "fail", (("own", "pass"), ("vendor", "pass")), ("vendor", "pass")),
    Kind("vendor, its own name", 10, "vendor", "fail", "fail", (("vendor", "pass"),), ("vendor", "pass")),
    Kind("forwarder", 10, "forwarder", "pass", "fail", (("own", "pass"),), ("forwarder", "pass")),
    Kind("forwarder, known", 3, "forwarder", "fail", "fail", (("own", "fail"),), ("own", "softfail"),
         ("forwarded", "looks forwarded, downgrade to none")),
    Kind("mailing list", 4, "list", "fail", "fail", (("own", "fail"), ("vendor", "fail"), ("list", "pass")),
         ("list", "pass"), ("mailing_list", "list headers &amp; a list's signature")),
    Kind("trusted chain", 2, "list", "fail", "fail", (("own", "fail"), ("list", "pass")), ("list", "pass"),
         ("local_policy", "arc=pass")),
    Kind("spoofer", 7, "spoofer", "fail", "fail", (), ("own", "fail")),
)  # fmt: skip

SUBDOMAINS = ("news", "shop", "support", "billing")
POLICIES = ("none", "none", "quarantine", "reject", "reject")
WORDS = "amber birch cedar delta ember fjord grove haven iris juniper kestrel lagoon maple nectar onyx pine"
TRADES = "bakery bank books clinic farm hotel insurance library museum press school shop studio travel"


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain with its policy, its mail streams' domains and the addresses they use."""

    name: str
    policy: str
    selectors: tuple[str, ...]
    names: dict[str, str]
    pools: dict[str, list[str]]


def policy_domains(rng: random.Random, count: int = 40) -> list[Domain]:
    """Returns ``count`` domains with different names."""
    names = rng.sample([f"{word}-{trade}.example" for word in WORDS.split() for trade in TRADES.split()], count)
    return [_domain(rng, index, name) for index, name in enumerate(names)]


def _domain(rng: random.Random, index: int, name: str) -> Domain:
    vendor, relay = rng.randrange(6), rng.randrange(20)
    own4 = [f"192.0.2.{(index * 5 + n) % 254 + 1}" for n in range(3)]
    own6 = [f"2001:db8:{index + 16:x}::{n + 1:x}" for n in range(2)]
    vendors = [f"198.51.100.{vendor * 40 + n + 1}" for n in range(30)]
    return Domain(
        name,
        rng.choice(POLICIES),
        ("default", f"s{2020 + index % 7}", f"{name[:2]}{rng.randrange(10**6):06d}"),
        {
            "own": name,
            "vendor": f"mail{vendor}.sendworks.example",
            "forwarder": f"alumni{relay}.example",
            "list": f"lists{relay}.example",
        },
        {
            "own": own4 + own6,
            "vendor": vendors + [f"2001:db8:ff{vendor:02x}::{n + 1:x}" for n in range(10)],
            "forwarder": [f"203.0.113.{rng.randrange(1, 255)}" for _ in range(40)],
            "list": [f"203.0.113.{rng.randrange(1, 255)}" for _ in range(4)],
            "spoofer": [_stray_address(rng) for _ in range(400)],
        },
    )


def _stray_address(rng: random.Random) -> str:
    if rng.random() < 0.2:
        return f"2001:db8:{rng.randrange(0x1000, 0xFFFF):x}:1::{rng.randrange(1, 0xFFFF):x}"
    return f"198.{rng.choice((18, 19))}.{rng.randrange(256)}.{rng.randrange(256)}"


@dataclass(frozen=True, slots=True)
class Report:
    """One written report: its usual file name without an ending, and its XML."""

    name: str
    xml: bytes


def reports(seed: int, records: int, days: int = 84) -> Iterator[Report]:
    """Yields reports of ``records`` records without end, in order of arrival within ``days`` days."""
    rng = random.Random(seed)
    domains = policy_domains(rng)
    sizes = [1 / (rank + 1) for rank in range(len(domains))]
    number = 0
    while True:
        dialect = rng.choices(DIALECTS, [d.weight for d in DIALECTS])[0]
        domain = rng.choices(domains, sizes)[0]
        begin = FIRST_DAY + (number * 7 % days) * DAY + dialect.hour * 3600
        yield _report(rng, dialect, domain, begin, records)
        number += 1


def _report(rng: random.Random, dialect: Dialect, domain: Domain, begin: int, records: int) -> Report:
    pad = [""] * 5 if dialect.indent is None else ["\n" + dialect.indent * depth for depth in range(5)]
    number = rng.getrandbits(62)
    report_id = dialect.report_id.format(number=number, hex=f"{number:016x}", short=number % 10**10)
    parts = [*_head(dialect, domain, begin, report_id.replace("<", "&lt;").replace(">", "&gt;"), pad)]
    kinds = rng.choices(KINDS, [kind.weight for kind in KINDS], k=records)
    for kind in kinds:
        parts += _record(rng, dialect, domain, kind, pad)
    parts.append(f"{pad[0]}</feedback>\n")
    name = f"{dialect.org_name}!{domain.name}!{begin}!{begin + DAY - 1}!{number:016x}"
    return Report(name, "".join(parts).encode())


def _head(dialect: Dialect, domain: Domain, begin: int, report_id: str, pad: list[str]) -> Iterator[str]:
    one, two, three = pad[1:4]
    yield dialect.declaration + (pad[0] if dialect.declaration else "")
    yield f'<feedback xmlns="{dialect.namespace}">' if dialect.namespace else "<feedback>"
    if dialect.version:
        yield f"{one}<version>{dialect.version}</version>"
    yield f"{one}<report_metadata>{two}<org_name>{dialect.org_name}</org_name>"
    yield f"{two}<email>dmarc-reports@{dialect.org_name}</email>"
    if dialect.contact:
        yield f"{two}<extra_contact_info>{dialect.contact}</extra_contact_info>"
    yield f"{two}<report_id>{report_id}</report_id>{two}<date_range>{three}<begin>{begin}</begin>"
    yield f"{three}<end>{begin + DAY - 1}</end>{two}</date_range>"
    if dialect.is_rfc9990:
        yield f"{two}<generator>mill 3.1</generator>"
    yield f"{one}</report_metadata>{one}<policy_published>{two}<domain>{domain.name}</domain>"
    yield f"{two}<adkim>r</adkim>{two}<aspf>r</aspf>{two}<p>{domain.policy}</p>{two}<sp>{domain.policy}</sp>"
    if dialect.is_rfc9990:
        yield f"{two}<np>reject</np>{two}<testing>n</testing>{two}<discovery_method>treewalk</discovery_method>"
    else:
        yield f"{two}<pct>100</pct>"
    yield f"{one}</policy_published>"


def _disposition(dialect: Dialect, domain: Domain, kind: Kind) -> str:
    if "pass" in (kind.dkim, kind.spf):
        return "pass" if dialect.is_rfc9990 else "none"
    return "none" if kind.reason[0] else domain.policy


def _record(rng: random.Random, dialect: Dialect, domain: Domain, kind: Kind, pad: list[str]) -> Iterator[str]:
    one, two, three, four = pad[1:]
    pool = domain.pools[kind.pool]
    # The first addresses of a pool send most: the lower of a heavy-tailed and an even draw.
    source_ip = pool[min(int(rng.paretovariate(0.3)) - 1, rng.randrange(len(pool)))]
    count = min(int(rng.paretovariate(0.9)), 40_000)
    yield f"{one}<record>{two}<row>{three}<source_ip>{source_ip}</source_ip>{three}<count>{count}</count>"
    yield f"{three}<policy_evaluated>{four}<disposition>{_disposition(dialect, domain, kind)}</disposition>"
    yield f"{four}<dkim>{kind.dkim}</dkim>{four}<spf>{kind.spf}</spf>"
    if kind.reason[0]:
        yield f"{four}<reason><type>{kind.reason[0]}</type><comment>{kind.reason[1]}</comment></reason>"
    yield f"{three}</policy_evaluated>{two}</row>{two}<identifiers>"
    envelope_from = domain.names[kind.checked[0]]
    if kind.pool == "vendor" and rng.random() < 0.5:  # bounces of a vendor go to a name of the campaign's own
        envelope_from = f"em{rng.randrange(300)}.{domain.name}"
    identifiers = {
        "envelope_to": dialect.org_name,
        "envelope_from": envelope_from,
        "header_from": f"{rng.choice(SUBDOMAINS)}.{domain.name}" if rng.random() < 0.1 else domain.name,
    }
    for name in dialect.identifiers.split():
        yield f"{three}<{name}>{identifiers[name]}</{name}>"
    yield f"{two}</identifiers>{two}<auth_results>"
    for whose, result in kind.signatures:
        yield f"{three}<dkim>{four}<domain>{domain.names[whose]}</domain>"
        if dialect.selector:
            yield f"{four}<selector>{rng.choice(domain.selectors)}</selector>"
        yield f"{four}<result>{result}</result>"
        if dialect.human_result:
            yield f"{four}<human_result>{result} (2048-bit key)</human_result>"
        yield f"{three}</dkim>"
    yield f"{three}<spf>{four}<domain>{envelope_from}</domain>"
    if dialect.scope:
        yield f"{four}<scope>mfrom</scope>"
    yield f"{four}<result>{kind.checked[1]}</result>{three}</spf>{two}</auth_results>{one}</record>"


# Mails: the containers in which reports travel.


def _attachment(subtype: str, name: str, content: bytes) -> MIMEApplication:
    part = MIMEApplication(content, subtype)
    part.add_header("Content-Disposition", "attachment", filename=name)
    return part


def _zipped(report: Report) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        member = zipfile.ZipInfo(f"{report.name}.xml", (2026, 5, 4, 0, 0, 0))
        archive.writestr(member, report.xml, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _mail_gzip(report: Report) -> Message:
    return _mixed(report, _attachment("gzip", f"{report.name}.xml.gz", gzip.compress(report.xml, mtime=0)))


def _mail_zip(report: Report) -> Message:
    return _mixed(report, _attachment("zip", f"{report.name}.zip", _zipped(report)))


def _mail_quoted_printable(report: Report) -> Message:
    part = EmailMessage()
    part.set_content(report.xml.decode(), subtype="xml", cte="quoted-printable", filename=f"{report.name}.xml")
    del part["MIME-Version"]
    return _mixed(report, part)


def _mail_nested(report: Report) -> Message:
    return _mixed(report, MIMEMessage(_mail_gzip(report)), boundary="outer")


def _mail_sole_body(report: Report) -> Message:
    mail = _attachment("octet-stream", f"{report.name}.xml.gz", gzip.compress(report.xml, mtime=0))
    _address(mail, report)
    return mail


def _mixed(report: Report, part: Message, boundary: str = "inner") -> Message:
    mail = MIMEMultipart("mixed", f"=_{boundary}_{report.name[-16:]}")
    _address(mail, report)
    mail.attach(MIMEText("This is an aggregate report.\n"))
    mail.attach(part)
    return mail


def _address(mail: Message, report: Report) -> None:
    reporter, domain, *_, report_id = report.name.split("!")
    mail["From"] = f"dmarc-reports@{reporter}"
    mail["To"] = f"dmarc@{domain}"
    mail["Date"] = "Mon, 04 May 2026 06:00:00 +0000"
    mail["Message-ID"] = f"<{report_id}@{reporter}>"
    mail["Subject"] = f"Report Domain: {domain} Submitter: {reporter} Report-ID: {report_id}"


CONTAINERS: tuple[Callable[[Report], Message], ...] = (
    _mail_gzip,
    _mail_zip,
    _mail_quoted_printable,
    _mail_nested,
    _mail_sole_body,
)


# Sets: folders of files under DATA.


@dataclass(frozen=True, slots=True)
class Set:
    """One folder of files: ``count`` reports of ``records`` records, written by ``write(folder, set)``."""

    name: str
    seed: int
    count: int
    records: int
    write: Callable[[Path, "Set"], None]
    days: int = 84


def _write_gzips(folder: Path, made: Set) -> None:
    for index, report in enumerate(islice(reports(made.seed, made.records, made.days), made.count)):
        place = folder / f"{index // PER_FOLDER:03d}"
        if index % PER_FOLDER == 0:
            place.mkdir()
        (place / f"{report.name}.xml.gz").write_bytes(gzip.compress(report.xml, 6, mtime=0))


def _write_mails(folder: Path, made: Set) -> None:
    for index, report in enumerate(islice(reports(made.seed, made.records, made.days), made.count)):
        container = CONTAINERS[index % len(CONTAINERS)]
        (folder / f"{index:02d}.eml").write_bytes(container(report).as_bytes())


def _write_large(folder: Path, made: Set) -> None:
    rng = random.Random(made.seed)
    usual = policy_domains(rng)[0]
    # So many records of one day come from as many addresses: nothing repeats as it does in a short report.
    pools = {name: [_stray_address(rng) for _ in range(made.records // 5)] for name in usual.pools}
    domain = replace(usual, pools=pools)
    dialect = next(d for d in DIALECTS if d.org_name == "postal-union.example")
    report = _report(rng, dialect, domain, FIRST_DAY, made.records)
    (folder / f"{report.name}.xml.gz").write_bytes(gzip.compress(report.xml, 6, mtime=0))


SETS = {
    made.name: made
    for made in (
        Set("reports-500", 1, 500, 20, _write_gzips),
        Set("reports-2000", 2, 2_000, 20, _write_gzips),
        Set("reports-10000", 3, 10_000, 20, _write_gzips),
        Set("reports-50000", 4, 50_000, 20, _write_gzips),
        Set("mails", 5, 20, 20, _write_mails),
        Set("large", 6, 1, 100_000, _write_large),
    )
}


def prepared(name: str) -> Path:
    """Returns the folder of the named set, written first where it is missing or of another version."""
    made = SETS[name]
    stamp = f"version {VERSION} seed {made.seed} reports {made.count} records {made.records} days {made.days}\n"
    return make_once(name, stamp, lambda folder: made.write(folder, made))


def make_once(name: str, stamp: str, write: Callable[[Path], None]) -> Path:
    """Returns the folder ``name`` under DATA, filled by ``write`` unless the stamp beside it says that it was."""
    folder, stamped = DATA / name, DATA / f"{name}.stamp"
    if stamped.exists() and stamped.read_text() == stamp:
        return folder
    stamped.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write(folder)
    stamped.write_text(stamp)
    return folder


if __name__ == "__main__":
    for chosen in sys.argv[1:]:
        prepared(chosen)
