"""Read MX records: where a domain receives mail, or that it receives none (RFC 5321 §5.1, RFC 7505 §3)."""

import re
from collections.abc import Iterable

from dmarcscope.model.mx_record import MxRecords
from dmarcscope.model.problem import Problem, Severity
from dmarcscope.parse.values import canonical_ip

RECORD = re.compile(r"\s*([0-9]{1,5})(?:[ \t]+(\S+))?\s*")


def mx_records(records: Iterable[str]) -> MxRecords:
    """What the MX records of a domain say, each «10 mx.example.com» with names in lower case; «0 .» is the null MX.

    >>> mx_records(["20 b.example.com", "10 a.example.com"]).hosts
    ((10, 'a.example.com'), (20, 'b.example.com'))
    >>> mx_records(["0 ."]).null
    True
    """
    found = [match for match in map(RECORD.fullmatch, records) if match]
    every = sorted((int(match.group(1)), (match.group(2) or "").rstrip(".").lower()) for match in found)
    hosts = tuple(record for record in every if record[1])
    null = len(hosts) < len(every)
    problems = []
    if null and hosts:
        # RFC 7505 §3: a domain with a null MX has no other MX record.
        what = "the domain says both that it takes no mail and which servers take it"
        problems.append(Problem(Severity.ERROR, "null-mx-not-alone", what, "RFC 7505 §3"))
    if any(canonical_ip(name) for _, name in hosts):
        what = "a mail server is named by its address; MX records hold names"
        problems.append(Problem(Severity.ERROR, "mx-address", what, "RFC 5321 §5.1"))
    return MxRecords(hosts, null and not hosts, tuple(problems))
