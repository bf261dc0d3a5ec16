"""What a trusted host says about how a mail authenticated: Authentication-Results (RFC 8601 §2.2, §2.7, §4.1, §5, §7.1).

DMARC reports come by mail, and whoever sends the mail may lie about who reports; what the operator's own host wrote into the
header tells. Everything else there is written by strangers, so nothing raises, each pass takes time linear in its bytes, and
what can be read in two ways is not believed. Values end where the next blank or semicolon stands: a signer may own
``example.com(.attacker.example``, and who takes its end for a comment sees another signer.

Facts and strategy: ``parse_field`` reads one field, tolerant of what hosts in the field write; ``origin`` reads a header,
and is strict about which fields it believes (``_believed``) and what they prove (``_judge``).
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dmarcscope.model.mail_origin import MailOrigin
from dmarcscope.parse.values import PLAIN_DOMAIN, domain

MAX_HEADER_BYTES = 256 * 1024
"""A header is cut here: trace fields stand on top, and nobody sends more."""
MAX_FIELD_CHARACTERS = 16 * 1024
"""A longer field is not read to its end and proves nothing; the longest real ones are under 3 KiB (vector 061)."""
MAX_COMMENT_DEPTH = 20
"""Comments inside each other; real ones have one or two levels (vector 062)."""
MAX_FIELDS = 100
"""Authentication-Results fields looked at, from the top; real mails have under ten."""

# RFC 8601 §2.7 and its registry, and what hosts write beside it: where one of these stands, a new result begins even if the
# semicolon before it is missing (vector 017).
METHODS = frozenset(
    ["arc", "auth", "bimi", "compauth", "dkim", "dkim-adsp", "dmarc", "dnswl", "domainkeys", "iprev", "sender-id", "smime", "spf"]
)


@dataclass(frozen=True, slots=True)
class MethodResult:
    """One ``method = result`` (RFC 8601 §2.2 resinfo).

    ``method``, ``result`` and the names of properties (``header.d``) are in lower case, values as written without quotes;
    unknown ones are kept. ``action`` and the like, which have no ptype, are properties too.
    """

    method: str
    result: str
    properties: tuple[tuple[str, str], ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AuthenticationResults:
    """One field. ``is_whole`` is False if it was too long, or a quoted string or comment does not end: then part is missing."""

    authserv_id: str | None
    results: tuple[MethodResult, ...]
    is_whole: bool = True


class _Token(NamedTuple):
    """``kind`` is blank, comment, quoted, text, or the mark itself; ``text`` is without quotes, ``raw`` as written."""

    kind: str
    text: str
    raw: str


_FIELD_TOKEN = re.compile(r'(?P<blank>[ \t\r\n]++)|"(?P<quoted>(?:[^"\\]++|\\.)*+)"|(?P<mark>[;=])|(?P<text>[^ \t\r\n"(;=]++)', re.DOTALL)
_ADDRESS_TOKEN = re.compile(
    r'(?P<blank>[ \t\r\n]++)|"(?P<quoted>(?:[^"\\]++|\\.)*+)"|(?P<mark>[,;:<>])|(?P<text>[^ \t\r\n"(,;:<>]++)', re.DOTALL
)
_PARENTHESIS = re.compile(r"\\.|[()]", re.DOTALL)
_PAIR = re.compile(r"\\(.)", re.DOTALL)
_FOLD = re.compile(r"\r?\n(?=[ \t])")


def _tokens(value: str, pattern: re.Pattern[str]) -> tuple[list[_Token], bool]:
    """The tokens of a structured field (RFC 5322 §3.2), and whether it was read to its end."""
    text = _FOLD.sub("", value[:MAX_FIELD_CHARACTERS])
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        found = pattern.match(text, at)
        end = found.end() if found else _comment_end(text, at)
        if end is None:
            return tokens, False
        raw = text[at:end]
        kind = (found.lastgroup or "") if found else "comment"
        if kind == "quoted":
            tokens.append(_Token(kind, _PAIR.sub(r"\1", raw[1:-1]), raw))
        else:
            tokens.append(_Token(raw if kind == "mark" else kind, raw, raw))
        at = end
    return tokens, len(value) <= MAX_FIELD_CHARACTERS


def _comment_end(text: str, start: int) -> int | None:
    """Where the comment at ``start`` ends (RFC 5322 §3.2.2: they nest); None if it does not, or if it is no comment."""
    depth = 0
    for found in _PARENTHESIS.finditer(text, start):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if not 0 < depth <= MAX_COMMENT_DEPTH:
            return found.end() if depth == 0 else None
    return None


def parse_field(value: str) -> AuthenticationResults:
    """The results in one Authentication-Results field (what stands after the colon); reads what it can, never raises.

    >>> found = parse_field("mx.example.org 1; dkim=pass (good) header.d=example.com; spf=none")
    >>> found.authserv_id, [(each.method, each.result, each.properties) for each in found.results]
    ('mx.example.org', [('dkim', 'pass', (('header.d', 'example.com'),)), ('spf', 'none', ())])
    """
    tokens, is_whole = _tokens(value, _FIELD_TOKEN)
    segments: list[list[_Token]] = [[]]
    for token in tokens:
        if token.kind == ";":
            segments.append([])
        else:
            segments[-1].append(token)
    authserv_id, segments[0] = _authserv_id(segments[0])
    return AuthenticationResults(authserv_id, tuple(_results(segments)), is_whole)


def _authserv_id(segment: list[_Token]) -> tuple[str | None, list[_Token]]:
    """The name of the host, and what follows it before the first semicolon: a version, or results without a semicolon."""
    start = _after_cfws(segment, 0)
    end = start
    while end < len(segment) and segment[end].kind in {"text", "quoted"}:
        end += 1
    following = _after_cfws(segment, end)
    # Deviation (RFC 8601 §2.2): Microsoft 365 writes no authserv-id and begins with a result; vector 012
    if start == end or (following < len(segment) and segment[following].kind == "="):
        return None, segment
    return "".join(token.text for token in segment[start:end]), segment[end:]


def _after_cfws(tokens: Sequence[_Token], at: int) -> int:
    while at < len(tokens) and tokens[at].kind in {"blank", "comment"}:
        at += 1
    return at


def _results(segments: Iterable[Sequence[_Token]]) -> Iterator[MethodResult]:
    drafts: list[tuple[str, str, list[tuple[str, str]], list[str]]] = []
    for segment in segments:
        for number, (key, value) in enumerate(_pairs(segment)):
            method = key.partition("/")[0]  # RFC 8601 §2.2: the version of a method; there is only one
            if "." not in key and key != "reason" and (number == 0 or method in METHODS):
                drafts.append((method, value.lower(), [], []))
            elif drafts and key == "reason":
                drafts[-1][3].append(value)
            elif drafts:  # also after a semicolon too many; vector 018
                drafts[-1][2].append((key, value))
    for method, result, properties, reasons in drafts:
        yield MethodResult(method, result, tuple(properties), reasons[0] if reasons else None)


def _pairs(tokens: Sequence[_Token]) -> list[tuple[str, str]]:
    """Each ``key = value``. Loose words after a property's value belong to it, so that it is no domain (vector 047)."""
    pairs: list[tuple[str, list[str]]] = [("", [])]
    words: list[str] = []
    at = 0
    while at < len(tokens):
        kind, text, _ = tokens[at]
        at += 1
        if kind == "=":
            key = words.pop().lower() if words else ""
            pairs[-1][1].extend(words)
            words.clear()
            value, at = _value(tokens, at, is_property="." in key)
            if key:
                pairs.append((key, [value]))
            else:
                pairs[-1][1].append("=" + value)
        elif kind == "text" and words and (words[-1].endswith((".", "/")) or text.startswith((".", "/"))):
            words[-1] += text  # RFC 8601 §2.2: blanks and comments may stand around the dot and the slash
        elif kind in {"text", "quoted"}:
            words.append(text)
    pairs[-1][1].extend(words)
    return [(key, " ".join(values) if "." in key or key == "reason" else values[0]) for key, values in pairs[1:]]


_PROPERTY = re.compile(r"(?:smtp|header|body|policy|dns)\.[a-z0-9_-]+", re.IGNORECASE)


def _value(tokens: Sequence[_Token], at: int, *, is_property: bool) -> tuple[str, int]:
    """The value that begins at or after ``at``, and where it ends: at a blank, or before a comment where no property is read."""
    start = _after_cfws(tokens, at)
    if start > at and start + 1 < len(tokens) and tokens[start + 1].kind == "=" and _PROPERTY.fullmatch(tokens[start].text):
        return "", start  # an empty value, and the next property; vector 039
    end = start
    # Deviation (RFC 8601 §2.2): a comment that touches a property's value is part of it. Hosts copy what strangers claim
    # without quotes, and ``header.d=example.com(.attacker.example`` must not become example.com; vectors 044 and 045
    ends = {"blank"} if is_property else {"blank", "comment"}
    while end < len(tokens) and tokens[end].kind not in ends:
        end += 1
    return "".join(token.text for token in tokens[start:end]), end


_FIRST_LINE = re.compile(rb"[\s\x00]*(?:\xef\xbb\xbf)?(?:>?From [^\r\n]*[\r\n]+)?")
_FIELD_START = re.compile(rb"[A-Za-z][A-Za-z0-9_.-]{0,75}[ \t]*:")
_HEADER_END = re.compile(rb"\r\n\r\n|\n\r?\n|\r\r(?!\n)")


def header_of(data: bytes) -> bytes | None:
    """The header of a mail: what stands before its first blank line, at most MAX_HEADER_BYTES; None if this is no mail.

    >>> header_of(b"From: a@example.com\\r\\nSubject: x\\r\\n\\r\\nbody"), header_of(b"<?xml version='1.0'?>")
    (b'From: a@example.com\\r\\nSubject: x', None)
    """
    head = data[:MAX_HEADER_BYTES]
    first = _FIRST_LINE.match(head)
    start = first.end() if first else 0
    if _FIELD_START.match(head, start) is None:
        return None
    end = _HEADER_END.search(head, start)
    return head[start : end.start()] if end else head[start:]


_FIELD = re.compile(rb"^(authentication-results|from|received)[ \t]*:((?:[^\n]++|\n(?=[ \t]))*+)", re.IGNORECASE | re.MULTILINE)


def _fields(header: bytes) -> Iterator[tuple[str, str]]:
    """The three fields that matter, in their order: name in lower case, value as text."""
    lines = header[:MAX_HEADER_BYTES].replace(b"\r\n", b"\n")
    if b"\n" not in lines:
        lines = lines.replace(b"\r", b"\n")
    for found in _FIELD.finditer(lines):
        yield found[1].decode("ascii").lower(), found[2].decode("utf-8", "replace")


def origin(header: bytes, authserv_ids: Collection[str]) -> MailOrigin:
    """Whom a mail names as its author, and what the hosts in ``authserv_ids`` say of it; never raises.

    The names are compared without regard to case. Microsoft 365 writes none: its fields are believed only if the operator
    lists the empty string, which is safe only where every mail comes in through Microsoft 365: it removes what others wrote.

    >>> found = origin(b"Authentication-Results: mx.example.org; dmarc=pass\\nFrom: <a@example.com>", ["mx.example.org"])
    >>> found.verified, found.reason
    (True, 'mx.example.org: dmarc=pass for example.com')
    """
    fields = list(_fields(header))
    author = _author_domain([value for name, value in fields if name == "from"])
    believed, doubtful = _believed(fields, {name.lower(): name for name in authserv_ids})
    if not believed:
        return MailOrigin(author, None, None, "no host that is trusted says how this mail authenticated")
    verdict = _judge(believed, author)
    # What may be forged takes certainty away and never gives it: read first against a pass, last against all else.
    read = [*doubtful, *believed] if verdict.verified else [*believed, *doubtful]
    if bool(_judge(read, author).verified) != bool(verdict.verified):
        verdict = verdict._replace(verified=None, evidence=f"{verdict.evidence}; a field below says otherwise, but may be forged")
    speaker = verdict.authserv_id or "a host without a name"
    return MailOrigin(author, verdict.authserv_id, verdict.verified, f"{speaker}: {verdict.evidence}")


class _Spoken(NamedTuple):
    """A field of a trusted host, under the name that the operator gave."""

    authserv_id: str
    field: AuthenticationResults


def _believed(fields: Iterable[tuple[str, str]], names: dict[str, str]) -> tuple[list[_Spoken], list[_Spoken]]:
    """The fields of trusted hosts that are believed, and those that follow them and may be forged.

    RFC 8601 §4.1 and §7.1: only fields with a name that the operator trusts count, and anybody can write that name. §5 bids
    the trusted host remove such fields from what comes in; not all do, so their place must tell. Trace fields are put on top
    (§4, RFC 5321 §4.4): every host that takes in a mail sets its Received above what it was sent.

    * Above the topmost Received nothing can be foreign: all of these are believed, as filters often write one each.
    * Where a Received stands above (an inner hop, or a host that writes below its own), the topmost is the trusted host's own,
      since it writes into every mail; a host that neither does nor removes must not be named (vector 036). What comes after it
      may be the sender's, and no Received in between can prove the contrary, as the sender writes those too. So only the
      topmost is believed (vectors 031 to 035).
    * Below the next Received all is older, and nothing is believed.
    """
    run: list[_Spoken] = []
    has_received_above = has_received_below = False
    seen = 0
    for name, value in fields:
        if name == "received" and run:
            has_received_below = True
            break
        if name == "received":
            has_received_above = True
        elif name == "authentication-results" and seen < MAX_FIELDS:
            seen += 1
            field = parse_field(value)
            trusted = names.get((field.authserv_id or "").lower())
            if trusted is not None:
                run.append(_Spoken(trusted, field))
    if has_received_below and not has_received_above:
        return run, []
    return run[:1], run[1:]


class _Verdict(NamedTuple):
    verified: bool | None
    evidence: str
    authserv_id: str


def _judge(spoken: Sequence[_Spoken], author: str | None) -> _Verdict:
    """What the fields prove about the author; of each method only what the topmost field with it says.

    DMARC's own verdict comes first, as only the host knows the author's policy and organizational domain; then a DKIM or
    SPF pass for the author's domain, its parent or its child (``_is_related``).
    """
    top = spoken[0].authserv_id
    if not all(each.field.is_whole for each in spoken):
        return _Verdict(None, "its field is broken or too long", top)
    said = {method: _first_say(spoken, method) for method in _ABOUT}
    every = [each for results in said.values() for each in results]
    if not every:
        return _Verdict(None, "says nothing of dmarc, dkim or spf", top)
    if author is None:
        return _Verdict(False, "the mail names no single author", top)
    return _by_dmarc(said["dmarc"], author) or _by_identifiers(every, author)


def _by_dmarc(said: Sequence["_Said"], author: str) -> _Verdict | None:
    """What dmarc=fail or dmarc=pass settle. All else (none, permerror, a pass for another domain) leaves it to DKIM and SPF.

    Of several results the worst counts: a sender may have slipped in one of them (vector 048).
    """
    for each in said:
        if each.result.result == "fail":
            return _Verdict(False, f"dmarc=fail for {author}", each.authserv_id)
    if said and all(each.result.result == "pass" and each.domain_or(author) == author for each in said):
        return _Verdict(True, f"dmarc=pass for {author}", said[0].authserv_id)
    return None


def _by_identifiers(said: Sequence["_Said"], author: str) -> _Verdict:
    passed = [each for each in said if each.result.result == "pass"]
    for each in passed:
        if each.result.method != "dmarc" and _is_related(each.domain, author):
            of = "" if each.domain == author else f", a parent or child of {author}"
            return _Verdict(True, f"{each.text} for {each.domain}{of}", each.authserv_id)
    # A sender can make the look-up of his own key fail; only one for the author's domain leaves the question open (066).
    for each in said:
        if each.result.result == "temperror" and _is_related(each.domain_or(author), author):
            return _Verdict(None, f"{each.text} for {each.domain_or(author)}", each.authserv_id)
    if passed:
        first = passed[0]
        return _Verdict(
            False, f"{first.text} for {first.domain or 'no readable domain'}, which is not the author's domain {author}", first.authserv_id
        )
    return _Verdict(False, f"nothing passes for {author}", said[0].authserv_id)


class _Said(NamedTuple):
    """A result, who said it, and the domain that it is about (None if none can be read)."""

    authserv_id: str
    result: MethodResult
    domain: str | None

    @property
    def text(self) -> str:
        return f"{self.result.method}={self.result.result}"

    def domain_or(self, author: str) -> str | None:
        """The domain; the author's where the host names no property at all."""
        names = {name for name, _ in self.result.properties}
        return self.domain if names & set(_ABOUT[self.result.method]) else author


# RFC 8601 §2.7: where each method writes the domain that it is about, the first that is not empty counts. RFC 7208 §2.4: SPF
# looks at the HELO name where the sender is null.
_ABOUT = {"dmarc": ("header.from",), "dkim": ("header.d", "header.i"), "spf": ("smtp.mailfrom", "smtp.helo")}


def _first_say(spoken: Iterable[_Spoken], method: str) -> list[_Said]:
    for authserv_id, field in spoken:
        if found := [_Said(authserv_id, each, _about(each)) for each in field.results if each.method == method]:
            return found
    return []


def _about(result: MethodResult) -> str | None:
    for wanted in _ABOUT[result.method]:
        if texts := {value for name, value in result.properties if name == wanted} - {"", "<>"}:
            domains = {_domain_of(text) for text in texts}
            return domains.pop() if len(domains) == 1 else None
    return None


def _domain_of(address: str) -> str | None:
    """The domain of ``[[local-part]@]domain`` as a lower-case A-label, or None."""
    plain = domain(address.removeprefix("<").removesuffix(">").rpartition("@")[2]).value
    return plain if plain and PLAIN_DOMAIN.fullmatch(plain) else None


def _is_related(found: str | None, author: str) -> bool:
    """Equal, parent or child. (RFC 9989 §4.10.2 would also relate siblings, by the organizational domain; that takes DNS, and
    none is asked here. Names of one label are nobody's.)

    >>> _is_related("mail.example.com", "example.com"), _is_related("a.example.com", "b.example.com"), _is_related("com", "example.com")
    (True, False, False)
    """
    if found is None or "." not in found or "." not in author:
        return found == author
    return found == author or found.endswith("." + author) or author.endswith("." + found)


def _author_domain(values: Sequence[str]) -> str | None:
    """The one domain of all authors; None if there is none, one cannot be read, or they differ (RFC 7489 §6.6.1)."""
    domains = {found for value in values for found in _mailbox_domains(value)}
    return domains.pop() if len(domains) == 1 else None


def _mailbox_domains(value: str) -> set[str | None]:
    """The domains of an address list (RFC 5322 §3.4: names, comments, groups); None among them if one cannot be read.

    The standard library's reader is not used: what it makes of malformed lists differs from release to release.
    """
    tokens, is_whole = _tokens(value, _ADDRESS_TOKEN)
    if not is_whole:
        return {None}
    domains: set[str | None] = set()
    address: list[str] = []
    touches = False  # whether the token before is part of an address: a comment right after it is not skipped; vector 056
    closed = opened = False
    for kind, _, raw in [*tokens, _Token(",", ",", ",")]:
        if kind in {",", ";"} and opened == closed:
            if closed or "".join(address).strip():
                domains.add(_domain_of("".join(address).strip()) if "@" in "".join(address) else None)
            address, closed, opened = [], False, False
        elif kind == "<":
            if opened:
                return {None}
            address, opened = [], True
        elif kind == ">":
            closed = True
        elif kind == ":" and not opened:
            address = []
        elif not closed:
            address.append(" " if kind == "blank" or (kind == "comment" and not touches) else raw)
        touches = kind in {"text", "quoted"}
    return domains if opened == closed else {None}
