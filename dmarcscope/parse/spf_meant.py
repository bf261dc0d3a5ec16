"""What a term of an SPF record that cannot be read was probably meant to be; and records that are nearly SPF records."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from ipaddress import AddressValueError, IPv4Network, IPv6Network, NetmaskValueError

from dmarcscope.model.problem import Choice, Problem, Severity
from dmarcscope.model.spf_record import SyntaxProblem
from dmarcscope.parse.slips import MECHANISMS, SPF_ALIASES, near_word, plain

MAX_TERM = 300
"""Characters of a term that is guessed at: a domain has at most 253."""

SPLIT = re.compile(r"([-+?~]?)([A-Za-z0-9_.-]*)([:=/]?)(.*)", re.DOTALL)
HOST = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.[A-Za-z][A-Za-z0-9-]*\.?")


def network(text: str) -> str:
    """The text as an ip4 or ip6 term if it is an address or a network, else empty."""
    try:
        IPv4Network(text, strict=False)
    except (AddressValueError, NetmaskValueError, ValueError):
        pass
    else:
        return f"ip4:{text}"
    try:
        IPv6Network(text if "%" not in text else "", strict=False)
    except (AddressValueError, NetmaskValueError, ValueError):
        return ""
    return f"ip6:{text}"


Guess = Callable[[str, str, str, str], tuple[str, str]]
"""From qualifier, name, separator and rest to what was meant and why, or to nothing."""


def lookalike(qualifier: str, name: str, separator: str, rest: str) -> tuple[str, str]:
    """A dash from a word processor, a quotation mark, a comma or semicolon at the end."""
    term = qualifier + name + separator + rest
    better = plain(term).strip(",;\"'")
    return (better, "it has characters that do not belong there") if better != term and better else ("", "")


def another_record(qualifier: str, name: str, separator: str, rest: str) -> tuple[str, str]:
    """Two records that were put into one."""
    if (qualifier + name + separator + rest).lower().startswith("v=spf1"):
        return "", "a second record begins here; a domain has one record with all terms"
    return "", ""


def bare_value(qualifier: str, name: str, separator: str, rest: str) -> tuple[str, str]:
    """An address or a domain without a mechanism."""
    term = name + separator + rest
    found = network(term)
    if found:
        return qualifier + found, "an address stands behind «ip4:» or «ip6:»"
    if not separator and HOST.fullmatch(name):
        return f"{qualifier}include:{name}", "a domain stands behind a mechanism («include:» for a service, «a:» for a host)"
    return "", ""


def address_of_other_kind(qualifier: str, name: str, separator: str, rest: str) -> tuple[str, str]:
    """``a:192.0.2.1``, ``ip4:2001:db8::1`` and the like."""
    found = network(rest) if separator == ":" else ""
    known = name.lower() in MECHANISMS or name.lower() in SPF_ALIASES
    if found and known and found[:3] != name.lower():
        return qualifier + found, f"this address belongs behind «{found[:4]}»"
    return "", ""


def masked(qualifier: str, name: str, separator: str, rest: str) -> tuple[str, str]:
    """An address with a port, or leading zeros, or a name behind ip4."""
    if name.lower() == "ip4" and re.fullmatch(r"[0-9.]+:[0-9]+", rest):
        return f"{qualifier}ip4:{rest.partition(':')[0]}", "an address has no port"
    if name.lower() in {"ip4", "ip6"} and HOST.fullmatch(rest):
        return f"{qualifier}a:{rest}", "the name of a host stands behind «a:»"
    if name.lower() in {"ip4", "ip6"} and separator == ":" and not rest:
        return "", "no blank may follow the colon"
    return "", ""


def modifier_with_colon(qualifier: str, name: str, separator: str, rest: str) -> tuple[str, str]:
    """``redirect:`` and ``-redirect=``."""
    if name.lower() in {"redirect", "exp"} and (separator == ":" or (qualifier and separator == "=")):
        return f"{name.lower()}={rest}", "a modifier has an equals sign and no qualifier"
    return "", ""


def near_name(qualifier: str, name: str, separator: str, rest: str) -> tuple[str, str]:
    """A name that is nearly one."""
    name = name.lower()
    if name in MECHANISMS:
        return "", ""
    near = SPF_ALIASES.get(name) or near_word(name.strip("."), MECHANISMS)
    return (qualifier + near + separator.replace("=", ":") + rest, f"«{near}» is meant?") if near else ("", "")


GUESSES: tuple[Guess, ...] = (
    another_record,
    modifier_with_colon,
    address_of_other_kind,
    bare_value,
    masked,
    lookalike,
    near_name,
)


def meant(error: SyntaxProblem) -> SyntaxProblem:
    """The same error with what was probably meant, if that can be guessed.

    >>> meant(SyntaxProblem(7, "«ipv4» is no mechanism", "ipv4:192.0.2.1")).fix
    'ip4:192.0.2.1'
    """
    found = SPLIT.fullmatch(error.term)
    if found is None or len(error.term) > MAX_TERM or error.fix:
        return error
    parts = found.groups()
    for guess in GUESSES:
        fix, why = guess(*parts)
        if why:
            return replace(error, what=f"{error.what}; {why}", fix=fix)
    return error


RECORD = re.compile(r"v=spf1(?: |\Z)", re.IGNORECASE)
NEARLY = re.compile(r"v\s*[=:]\s*\.?spf\s*[v1l]?|spf\s*[=:]?\s*v?1\b|spf2\.0|v=spf", re.IGNORECASE)


def spf_records(texts: Iterable[str]) -> Choice:
    """Which of the TXT records of a name are SPF records (RFC 7208 §4.5), and which nearly are.

    >>> spf_records(["v=spf1 -all", "other"]).text
    'v=spf1 -all'
    """
    every = list(texts)
    candidates = tuple(text for text in every if RECORD.match(text))
    problems = [nearly(text) for text in every if text not in candidates and NEARLY.match(plain(text[:MAX_TERM]))]
    # RFC 7208 §4.5: more than one record is a permanent error.
    if len(candidates) > 1:
        what = f"the name has {len(candidates)} SPF records; together they are a permanent error, and no mail passes"
        problems.insert(0, Problem(Severity.ERROR, "several-records", what, "RFC 7208 §4.5", joined(candidates)))
    return Choice(candidates, tuple(problems))


def joined(texts: Iterable[str]) -> str:
    """One record with the terms of all: each once, ``all`` at the end."""
    terms = list(dict.fromkeys(term for text in texts for term in text.split(" ")[1:] if term))
    last = [term for term in terms if term.lower().lstrip("+-?~") == "all"]
    return " ".join(["v=spf1", *(term for term in terms if term not in last), *last[:1]])


def nearly(text: str) -> Problem:
    """What keeps a record from being an SPF record."""
    better = plain(text)
    if better.lower().startswith("spf2.0"):
        what = "a Sender ID record (spf2.0) is left over; nobody reads it any more"
        return Problem(Severity.NOTE, "sender-id", what, "RFC 6686 §6")
    fix = re.sub(r"\Av\s*[=:]\s*\.?spfv?1?[;,:\s]*", "v=spf1 ", better, count=1, flags=re.IGNORECASE).rstrip()
    what = f"«{text[:30]}…» looks like an SPF record and is none: it must begin with «v=spf1» and a blank"
    return Problem(Severity.ERROR, "nearly-spf", what, "RFC 7208 §4.5", fix if fix.startswith("v=spf1") else "")
