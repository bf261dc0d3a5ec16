"""Read the MTA-STS record and policy of a domain (RFC 8461 §3.1, §3.2), and match mail servers against it (RFC 8461 §4.1)."""

import re
from collections.abc import Iterable, Iterator

from dmarcscope.model.mta_sts import StsMode, StsPolicy, StsRecord
from dmarcscope.model.problem import Choice, Problem, Severity, worst_first
from dmarcscope.parse.slips import listed, near_word
from dmarcscope.parse.tag_list import choose, first_values, form_problems, grammar, mended, tag_list, why_not

SECTION = "RFC 8461 §3.1"
POLICY = "RFC 8461 §3.2"
STS = grammar("MTA-STS", "STSv1", ("v", "id"), SECTION)

MAX_POLICY = 65536
"""Characters of a policy that are read: senders may stop at 64 kilobytes (RFC 8461 §3.3)."""
MAX_LINES = 1000
"""Lines of a policy that are read: one for each mail server and three more."""
LONGEST = 31557600
"""Seconds of the longest max_age, a year (RFC 8461 §3.2)."""
SHORT, WEEK = 86400, 604800
"""Seconds below which a policy hardly protects, and those advised at least (RFC 8461 §3.2: weeks or more)."""
MAX_SHOWN = 20
"""Unknown fields that are listed one by one."""

ID = re.compile(r"[A-Za-z0-9]{1,32}")
AGE = re.compile(r"[0-9]{1,10}")
MX = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
FIELDS = ("version", "mode", "max_age", "mx")


def sts_records(texts: Iterable[str]) -> Choice:
    """Which of the TXT records at ``_mta-sts`` are MTA-STS records; if not exactly one is, there is no policy (RFC 8461 §3.1)."""
    return choose(texts, STS)


def sts_record(text: str) -> StsRecord:
    """What the text of an ``_mta-sts`` record says.

    >>> sts_record("v=STSv1; id=20260101;").id
    '20260101'
    """
    if not STS.opening.match(text):
        what = f"no MTA-STS record: {why_not(text, STS)}"
        return StsRecord(text, None, (Problem(Severity.ERROR, "not-sts", what, SECTION, mended(text, STS) if "=" in text else ""),))
    tags = tag_list(text)
    identity = first_values(tags).get("id")
    problems = list(form_problems(text, tags, STS))
    if identity is None:
        problems.append(Problem(Severity.ERROR, "no-id", "«id» is missing: senders cannot tell whether the policy is new", SECTION))
    elif not ID.fullmatch(identity):
        what = f"{listed(['id=' + identity])} is not 1 to 32 letters and digits"
        problems.append(Problem(Severity.ERROR, "bad-id", what, SECTION))
    return StsRecord(text, identity if identity and ID.fullmatch(identity) else None, worst_first(problems))


def sts_policy(text: str) -> StsPolicy:
    """What the text of a policy file says.

    >>> policy = sts_policy("version: STSv1\\nmode: enforce\\nmx: *.example.com\\nmax_age: 604800\\n")
    >>> policy.mode.value, policy.mx, policy.max_age
    ('enforce', ('*.example.com',), 604800)
    """
    fields, problems = lines(text)
    single: dict[str, str] = {}
    for name, value in fields:
        # RFC 8461 §3.2: of a field that stands there twice, mx apart, the first counts.
        if name in single and name != "mx":
            problems.append(Problem(Severity.WARNING, "repeated-field", f"{listed([name])} stands there twice; the first counts", POLICY))
        single.setdefault(name, value)
    mx = tuple(value.lower().rstrip(".") for name, value in fields if name == "mx")
    mode = next((each for each in StsMode if each.value == single.get("mode", "").lower()), None)
    age = int(single["max_age"]) if AGE.fullmatch(single.get("max_age", "")) else None
    problems += [*field_problems(single), *age_problems(single, age), *mx_problems(mode, mx)]
    usable = single.get("version") == "STSv1" and age is not None and (mx or mode is StsMode.NONE)
    return StsPolicy(text, mode if usable else None, tuple(name for name in mx if MX.fullmatch(name)), age, worst_first(problems))


def lines(text: str) -> tuple[list[tuple[str, str]], list[Problem]]:
    """The fields of a policy in order, and lines that are none."""
    problems = []
    if len(text) > MAX_POLICY or text.count("\n") > MAX_LINES:
        problems.append(Problem(Severity.ERROR, "too-long", f"only the first {MAX_POLICY} characters are read", "RFC 8461 §3.3"))
    fields = []
    odd = []
    for line in text[:MAX_POLICY].replace("\r\n", "\n").split("\n", MAX_LINES)[:MAX_LINES]:
        name, colon, value = line.partition(":")
        if colon and name.strip():
            fields.append((name.strip().lower(), value.strip()))
        elif line.strip():
            odd.append(line.strip())
    if odd:
        problems.append(Problem(Severity.ERROR, "no-field", f"these lines are no fields: {listed(odd)}", POLICY))
    return fields, problems


def field_problems(single: dict[str, str]) -> Iterator[Problem]:
    """Version, mode, and fields that nobody knows."""
    if single.get("version") != "STSv1":
        yield Problem(Severity.ERROR, "wrong-version", "the policy does not say «version: STSv1»", POLICY, "version: STSv1")
    mode = single.get("mode", "")
    if mode.lower() not in tuple(StsMode):
        near = near_word(mode.lower(), tuple(StsMode))
        what = f"{listed([mode])} is no mode" if mode else "the policy has no mode"
        yield Problem(Severity.ERROR, "bad-mode", what, POLICY, f"mode: {near}" if near else "")
    for name in [name for name in single if name not in FIELDS][:MAX_SHOWN]:
        near = near_word(name, FIELDS)
        what = f"{listed([name])} is no field of a policy; it is ignored"
        yield Problem(Severity.WARNING if near else Severity.NOTE, "unknown-field", what, POLICY, f"{near}: {single[name]}" if near else "")


def age_problems(single: dict[str, str], age: int | None) -> Iterator[Problem]:
    """How long senders remember the policy."""
    if age is None:
        given = single.get("max_age")
        what = f"{listed([given])} is no number of seconds" if given else "the policy has no max_age"
        yield Problem(Severity.ERROR, "bad-max-age", what, POLICY, f"max_age: {WEEK}")
    elif age > LONGEST:
        yield Problem(Severity.WARNING, "long-max-age", f"max_age is above {LONGEST} seconds, a year", POLICY, f"max_age: {LONGEST}")
    elif age < SHORT:
        what = f"senders forget the policy after {age} seconds; weeks are advised"
        yield Problem(Severity.WARNING, "short-max-age", what, POLICY, f"max_age: {WEEK}")


def mx_problems(mode: StsMode | None, mx: tuple[str, ...]) -> Iterator[Problem]:
    """The mail servers named."""
    bad = [name for name in mx if not MX.fullmatch(name)]
    if bad:
        what = f"{listed(bad)} names no mail server; a star stands only as the whole first label"
        yield Problem(Severity.ERROR, "bad-mx", what, POLICY)
    if not mx and mode is not StsMode.NONE:
        yield Problem(Severity.ERROR, "no-mx", "the policy names no mail server", POLICY)
    if mode is StsMode.TESTING:
        yield Problem(Severity.NOTE, "testing", "«mode: testing»: senders deliver all the same, and report", "RFC 8461 §5")


def allows(policy: StsPolicy, host: str) -> bool:
    """Whether a mail server (lower-case, no final dot) is one that the policy names.

    >>> policy = sts_policy("version: STSv1\\nmode: enforce\\nmx: *.example.com\\nmax_age: 604800\\n")
    >>> allows(policy, "mx1.example.com"), allows(policy, "a.mx1.example.com"), allows(policy, "example.com")
    (True, False, False)
    """
    # RFC 8461 §4.1: a star stands for exactly one label, the first.
    _, _, parent = host.partition(".")
    return host in policy.mx or f"*.{parent}" in policy.mx
