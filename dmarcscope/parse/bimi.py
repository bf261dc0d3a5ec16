"""Read which logo a domain wants shown beside its mail (draft-brand-indicators-for-message-identification §4.3)."""

import re
from collections.abc import Iterable, Iterator

from dmarcscope.model.bimi import BimiRecord
from dmarcscope.model.problem import Choice, Problem, Severity, worst_first
from dmarcscope.parse.slips import listed
from dmarcscope.parse.tag_list import choose, first_values, form_problems, grammar, mended, tag_list, why_not

SECTION = "BIMI draft §4.3"
BIMI = grammar("BIMI", "BIMI1", ("v", "l", "a", "avp", "lps"), SECTION)

HTTPS = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]+)?/[\x21-\x7e]*", re.IGNORECASE)
PREFERENCES = ("brand", "personal")


def bimi_records(texts: Iterable[str]) -> Choice:
    """Which of the TXT records of a BIMI selector are BIMI records; several are as good as none."""
    return choose(texts, BIMI)


def bimi_record(text: str) -> BimiRecord:
    """What the text of a BIMI record says.

    >>> bimi_record("v=BIMI1; l=https://example.com/logo.svg").logo, bimi_record("v=BIMI1; l=; a=").declined
    ('https://example.com/logo.svg', True)
    """
    if not BIMI.opening.match(text):
        fix = mended(text, BIMI) if "=" in text else ""
        problem = Problem(Severity.ERROR, "not-bimi", f"no BIMI record: {why_not(text, BIMI)}", SECTION, fix)
        return BimiRecord(text, is_valid=False, problems=(problem,))
    tags = tag_list(text)
    values = first_values(tags)
    logo, certificate = values.get("l", ""), values.get("a", "")
    problems = [*form_problems(text, tags, BIMI), *uri_problems(values)]
    # BIMI draft §4.3.1: with l and a both empty the domain declines.
    declined = "l" in values and not logo and not certificate
    good = all(HTTPS.fullmatch(uri) for uri in (logo, certificate) if uri)
    preference = values.get("avp", "brand").lower()
    return BimiRecord(
        text,
        is_valid=good and "l" in values,
        logo=logo if HTTPS.fullmatch(logo) else "",
        certificate=certificate if HTTPS.fullmatch(certificate) else "",
        declined=declined,
        preference=preference if preference in PREFERENCES else "brand",
        problems=worst_first(problems),
    )


def uri_problems(values: dict[str, str]) -> Iterator[Problem]:
    """What is wrong with the places that the record names."""
    if "l" not in values:
        yield Problem(Severity.ERROR, "no-logo", "«l» is missing: there is no logo", SECTION)
    for name in ("l", "a"):
        if values.get(name) and not HTTPS.fullmatch(values[name]):
            what = f"{listed([name + '=' + values[name]])} is no https address of a file"
            yield Problem(Severity.ERROR, "bad-uri", what, SECTION)
    logo = values.get("l", "").lower().partition("?")[0]
    if logo and not logo.endswith((".svg", ".svgz")):
        yield Problem(Severity.WARNING, "not-svg", "the logo is no SVG file by its name", SECTION)
    if logo and not values.get("a"):
        what = "the record has no certificate («a»); large mailbox providers show no logo without one"
        yield Problem(Severity.NOTE, "no-certificate", what, SECTION)
    if values.get("avp", "brand").lower() not in PREFERENCES:
        what = f"{listed(['avp=' + values['avp']])} is neither brand nor personal"
        yield Problem(Severity.WARNING, "bad-preference", what, SECTION, "avp=brand")
