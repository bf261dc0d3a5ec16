"""The summary as a mail: subject, plain text, HTML that mail programs render, and attachments (RFC 5322, MIME: RFC 2045–2049, 2183).

Facts: mail programs know tables and `style` attributes, and little else; some cut HTML above 102 KB. So charts are bars of table cells, the
style sheet is written into the elements by css-inline (nothing is loaded), and long lists end early and tell what is left out.
Strategy: nothing but our own documentation is a link, nothing is loaded from anywhere, and no mail is larger than LARGEST: what does not
fit is attached as .zip, or else left out and told.
"""

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from hashlib import sha256

from css_inline import CSSInliner
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from dmarcscope.model.change import Change, Tone
from dmarcscope.model.delivery import Figures, Written
from dmarcscope.model.readiness import Passage, Readiness
from dmarcscope.model.summary import FORWARDING, Summaries, Summary
from dmarcscope.model.summary_figures import Figure, Finding
from dmarcscope.model.summary_tables import Rest, Span
from dmarcscope.model.verdict import YOURS, SenderClass
from dmarcscope.present import summary_wording as wording
from dmarcscope.present.defang import defanged, exact_html
from dmarcscope.present.figures import LOOKS
from dmarcscope.present.prose import sentence
from dmarcscope.present.wording import counted, day, minute, number, safe, share

LARGEST = 1_000_000
"""Bytes of a whole mail: small enough for every mailbox and every phone."""
SPARE = 4_000
"""Bytes that the heads of attachments, and notes about what is left out, may take."""
ENCODED = 4 / 3 * 78 / 76
"""Bytes that base64 makes of one, with its line ends (RFC 2045 §6.8)."""
MOST, FEWER = 10, 5
"""Lines of a list in the mail; of a lesser one."""
PARTS, OVERVIEW = 3, 40
"""Domains of several that have a part each; lines of their overview."""
SUBJECT = 200
NAME, TEXT = 60, 600
"""Letters of a stranger's name, and of a sentence with such names in it, that are shown."""
MISSING = frozenset({Finding.NO_REPORTS, Finding.REPORTS_MISSING})
"""What is said before the verdict."""
MARKS = {
    SenderClass.YOURS_ALIGNED: "✓",
    SenderClass.YOURS_NEEDS_FIXING: "✗",
    SenderClass.FORWARDED: "→",
    SenderClass.MAILING_LIST: "≡",
    SenderClass.UNAUTHORISED: "!",
    SenderClass.UNKNOWN: "?",
}
"""What stands in a bar beside its colour."""
TAILS = {"yours": YOURS, "forwarders": FORWARDING, "unknown": frozenset({SenderClass.UNKNOWN})}
ORDER = {Tone.BAD: 0, Tone.WARNING: 1, Tone.GOOD: 2, Tone.NEUTRAL: 3}
ATTACHED = {"text/html": "page", "application/json": "same content as JSON"}
BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
UNFIT_IN_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Head:
    """Who writes to whom, when, and under which identity (RFC 5322 §3.6.4)."""

    sender: str
    recipients: tuple[str, ...]
    message_id: str
    date: datetime


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file to go with the mail. ``kind``: text/html or application/json."""

    name: str
    kind: str
    content: bytes


def compose(found: Summaries, head: Head, text: str, attachments: Sequence[Attachment] = ()) -> Written:
    """The whole mail. ``text`` is the summary as plain text, which is made harmless here."""
    plain = harmless(found, text)
    room = LARGEST - SPARE - len(assembled(found, head, plain, html(found, [note(one.name, one.kind) for one in attachments]), ()))
    fitting: list[Attachment] = []
    notes: list[str] = []
    left_out: list[str] = []
    for one in attachments:
        fits = next((way for way in (one, zipped(one, head.date)) if len(way.content) * ENCODED <= room), None)
        if fits is None:
            left_out.append(f"The {ATTACHED[one.kind]} is not attached: it would make this mail larger than 1 MB.")
            continue
        room -= int(len(fits.content) * ENCODED) + 1
        fitting.append(fits)
        notes.append(note(fits.name, one.kind))
    told = [*notes, *left_out]
    content = assembled(found, head, "\n".join([plain.rstrip("\n"), "", *told, ""]), html(found, told), fitting)
    return Written(content, subject(found), figures_said(found), tuple(left_out))


def note(name: str, kind: str) -> str:
    """What an attachment is."""
    return f"Attached: the {ATTACHED[kind]}, {name}." + (" Unpack it, and open it in a browser." if name.endswith(".html.zip") else "")


def assembled(found: Summaries, head: Head, plain: str, page: str, attachments: Sequence[Attachment]) -> bytes:
    """The bytes of a mail, the same for the same content."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address("DMARC summary", addr_spec=head.sender)
    mail["To"] = [Address(addr_spec=recipient) for recipient in head.recipients]
    mail["Subject"] = subject(found)
    mail["Date"] = format_datetime(head.date)
    mail["Message-ID"] = head.message_id
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: nobody's absence is to answer
    mail.set_content(plain, cte="quoted-printable")
    mail.add_alternative(page, subtype="html", cte="quoted-printable")
    for one in attachments:
        main, _, sub = one.kind.partition("/")
        mail.add_attachment(one.content, main, sub, cte="base64", filename=one.name)
    multiparts = [part for part in mail.walk() if part.is_multipart()]
    for at, part in enumerate(multiparts):
        part.set_boundary(f"=_{sha256(head.message_id.encode()).hexdigest()[:32]}_{at}")  # else it would be drawn by chance
    return mail.as_bytes()


def zipped(one: Attachment, date: datetime) -> Attachment:
    """A file in a .zip, the same bytes for the same content."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        entry = zipfile.ZipInfo(one.name, (date.year, date.month, date.day, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, one.content)
    return Attachment(f"{one.name}.zip", "application/zip", buffer.getvalue())


def file_name(found: Summaries, what: str, suffix: str) -> str:
    """A name for an attachment, without anything that a file system or a header would obey."""
    when = found.period.week or f"{found.period.first_day}-to-{found.period.last_day}"
    return f"{UNFIT_IN_NAME.sub('-', what).strip('.-')[:80] or 'summary'}-{when}{suffix}"


def subject(found: Summaries) -> str:
    """The subject: one line, whatever names hold."""
    return BREAKS.sub(" ", defanged(safe(found.subject, SUBJECT), own(found)))


def own(found: Summaries) -> list[str]:
    """The domains that the summary is about."""
    return [one.domain for one in found.summaries]


def figures_said(found: Summaries) -> Figures:
    """The five figures of each domain, as they are noted when the mail is sent."""
    return {one.domain: {figure.name.value: figure.messages for figure in one.figures} for one in found.summaries}


def harmless(found: Summaries, text: str) -> str:
    """A plain text whose lines to copy stay as they are, and in which no foreign name can be followed; what is missing stands first."""
    exact = [line for one in found.summaries for todo in one.to_do for line in todo.records]
    first = [safe(line, TEXT) for line in missing_of_all(found)]
    clean = "".join(sign for sign in "\n".join([*first, *([""] if first else []), text]) if sign in "\n\t" or sign.isprintable())
    return defanged(clean.encode("utf-8", "replace").decode(), own(found), exact)


def html(found: Summaries, notes: Sequence[str] = ()) -> str:
    """The HTML part, its styles in its elements."""
    names = own(found)
    heading = safe(names[0], NAME) if len(names) == 1 else counted(len(names), "domain")
    return inlined(
        template().render(
            summaries=found,
            title=subject(found),
            heading=heading,
            notes=notes,
            foreign=lambda name: defanged(safe(name, NAME), names),
            foreign_text=lambda text: defanged(safe(text, TEXT), names),
        )
    )


def inlined(page: str) -> str:
    """HTML with its style sheet written into the elements. Nothing is loaded."""
    inliner = CSSInliner(extra_css=style_sheet(), load_remote_stylesheets=False, keep_style_tags=False, keep_link_tags=False)
    return inliner.inline(page)


@cache
def environment() -> Environment:
    """The template engine: all that is put in is escaped, and what is not there is a mistake."""
    made = Environment(
        loader=PackageLoader("dmarcscope.present"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    colours = {one: (look.colour, MARKS[one], look.ink) for one, look in LOOKS.items()}
    made.globals.update(
        number=number, share=share, counted=counted, day=day, minute=minute, exact=exact_html, sentence=sentence, percent=percent,
        changed=changed, pieces_of=pieces_of, newest=most_telling, rest_of=rest_of, closed=closed, missing_first=missing_first,
        missing_of_all=missing_of_all,
        because=because, complete=wording.complete, policy=wording.policy, classes=wording.CLASSES, figures=wording.FIGURES,
        parts_names=wording.PARTS, answers=wording.ANSWERS, colours=colours, passing_colour=LOOKS[SenderClass.YOURS_ALIGNED].colour,
        forged=SenderClass.UNAUTHORISED, most=MOST, fewer=FEWER, parts=PARTS, overview=OVERVIEW,
    )  # fmt: skip
    return made


@cache
def template() -> Template:
    """The template of the HTML part."""
    return environment().get_template("mail.html.jinja")


@cache
def style_sheet() -> str:
    """Its style sheet."""
    loader = environment().loader
    assert loader is not None  # noqa: S101 (made above)
    return loader.get_source(environment(), "mail.css")[0]


def percent(part: int, whole: int) -> str:
    """The width of a bar's piece.

    >>> percent(1, 3)
    '33.3'
    """
    return f"{100 * part / whole:.1f}" if whole else "0"


def changed(figure: Figure) -> str:
    """A figure against the period before."""
    if figure.change is None:
        return "–"
    if not figure.change:
        return "as before"
    return f"{'+' if figure.change > 0 else '−'}{number(abs(figure.change))}"


def pieces_of(span: Span) -> list[tuple[str, str, str, int]]:
    """The pieces of a bar: colour, mark, ink and messages of each class."""
    return [(look.colour, MARKS[one], look.ink, span.by_class.get(one, 0)) for one, look in LOOKS.items()]


def most_telling(changes: Sequence[Change]) -> list[Change]:
    """The changes that matter most, in the order of their days."""
    chosen = sorted(changes, key=lambda one: (ORDER[one.tone], -one.day.toordinal()))[:MOST]
    return sorted(chosen, key=lambda one: one.day)


def rest_of(found: Summary, group: str) -> Rest:
    """What the summary folded of some classes."""
    folded = [found.senders_rest[one] for one in TAILS[group] if one in found.senders_rest]
    return Rest(sum(one.count for one in folded), sum(one.messages for one in folded))


def closed(found: Readiness) -> list[str]:
    """What the gates ask for that are not passed."""
    return [gate.found.missing or gate.question for gate in found.verdict.gates if gate.found.passage is Passage.CLOSED]


def missing_first(found: Summary) -> list[str]:
    """What is missing, to be said before all else."""
    return [text for reason, text in reasons(found) if reason in MISSING]


def missing_of_all(found: Summaries) -> list[str]:
    """The same of all domains, which are named where there are several; the first that matter."""
    alone = len(found.summaries) == 1
    told = [text if alone else f"{one.domain}: {text}" for one in found.summaries for text in missing_first(one)]
    return told[:FEWER] + ([f"{counted(len(told) - FEWER, 'domain')} more."] if len(told) > FEWER else [])


def because(found: Summary) -> list[str]:
    """Why the verdict is as it is, but for what is missing, and for what its sentence says itself."""
    more = wording.beside(found.verdict)
    return [text for reason, text in reasons(found) if reason not in MISSING and text in more]


def reasons(found: Summary) -> list[tuple[Finding, str]]:
    """The findings of a verdict, each with its sentence."""
    return [(reason.finding, text) for reason, text in zip(found.verdict.reasons, found.verdict.because, strict=False)]
