"""What the check of the owner's list finds: each kind where it is due, and nothing where nothing is."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmarcscope.analysis.owner_check import LOOK_BACK, FindingKind, Limits, Question, SenderDay, check_list
from dmarcscope.model.owner_list import Label, ListedSender, OwnerList
from dmarcscope.model.verdict import SenderClass

TODAY = date(2026, 5, 25)
ALIGNED, UNKNOWN, FORWARDED = SenderClass.YOURS_ALIGNED, SenderClass.UNKNOWN, SenderClass.FORWARDED
OURS = ListedSender("A", Label.OURS, line=2)
WHOLE = range(60)


def ago(days):
    return TODAY - timedelta(days=days)


def mail(sender="A", days=WHOLE, messages=100, passing=1.0, of=ALIGNED, domains=()):
    """The same mail on each of the days, counted back from today."""
    return [SenderDay(sender, of, domains, ago(day), ago(day), messages, round(messages * passing)) for day in days]


def found(entries, rows, **asked):
    return check_list(Question(OwnerList(tuple(entries), "senders.yaml"), TODAY, **asked), rows)


def listed(label=Label.OURS, **more):
    return ListedSender("A", label, line=2, **more)


OTHERS = mail("B", WHOLE, 5)  # so that something is reported
B = ListedSender("B", Label.OURS)

CASES = [
    # the entry A, rows beside those of B, kinds found, why
    (listed(), mail(), [], "all is well"),
    (listed(), [], [], "listed, not seen, and not expected: perhaps a yearly mailing"),
    (listed(expected=(1, 9)), [], ["silent"], "expected and never seen"),
    (listed(expected=(0, 9)), [], [], "nothing is as expected"),
    (listed(), mail(days=range(14, 60)), ["silent"], "seen before, and not in 14 days"),
    (listed(), mail(days=range(13, 60)), [], "seen 13 days ago"),
    (listed(expected=(600, 800)), mail(days=range(20, 60)), ["silent"], "silent is not also too little"),
    (listed(label=Label.FORWARDER), mail(days=range(20, 60)), [], "a forwarder comes and goes"),
    (listed(expected=(600, 800)), mail(), [], "700 a week"),
    (listed(expected=(701, 800)), mail(), ["volume"], "less than expected"),
    (listed(expected=(600, 699)), mail(), ["volume"], "more than expected"),
    (listed(expected=(600, 800)), mail(days=range(3)), ["volume"], "the days that reports still come for do not count"),
    (listed(review=ago(1)), mail(), ["overdue"], "due since yesterday"),
    (listed(review=TODAY), mail(), [], "due today"),
    (listed(label=Label.NOT_OURS, review=ago(30)), [], ["overdue"], "whatever the label"),
    (listed(), mail(days=range(7), passing=0.5) + mail(days=range(7, 35)), ["failing"], "half of it fails since a week"),
    (listed(), mail(days=range(7)) + mail(days=range(7, 35), passing=0.5), [], "it was mended"),
    (
        listed(),
        mail(days=range(7), messages=1, passing=0) + mail(days=range(7, 35), messages=1),
        ["failing"],
        "seven of seven is no chance",
    ),
    (listed(), mail(days=[0], messages=3, passing=0.67) + mail(days=range(7, 35), messages=1), [], "one of three may be chance"),
    (listed(), mail(passing=0.0), [], "it always failed: that is not new"),
    (listed(label=Label.NOT_OURS), mail(of=SenderClass.UNAUTHORISED), ["not-ours-passes"], "somebody signs with our key"),
    (listed(label=Label.NOT_OURS), mail(of=SenderClass.UNAUTHORISED, passing=0), [], "it fails, as it must"),
    (listed(label=Label.NOT_OURS), mail(days=range(28, 60)), [], "it passed long ago"),
]


@pytest.mark.parametrize(("entry", "rows", "kinds", "why"), CASES, ids=[row[-1] for row in CASES])
def test_what_is_found_of_an_entry(entry, rows, kinds, why):
    told = found([entry, B], [*rows, *OTHERS])
    assert [finding.kind.value for finding in told] == kinds, why
    for finding in told:
        assert (finding.sender, finding.line) == ("A", 2)
        assert finding.what
        assert finding.figure
        assert finding.fix


UNLISTED = [
    (mail("C"), 1, "ours, so it seems"),
    (mail("C", of=SenderClass.YOURS_NEEDS_FIXING, passing=0), 1, "likewise, failing"),
    (mail("C", of=UNKNOWN), 1, "nobody knows"),
    (mail("C", of=FORWARDED), 0, "a forwarder needs no entry"),
    (mail("C", of=SenderClass.MAILING_LIST), 0, "nor does a mailing list"),
    (mail("C", of=SenderClass.UNAUTHORISED), 0, "a spoofer belongs on no list"),
    (mail("C", of=FORWARDED) + mail("C", messages=20), 0, "most of it is forwarded"),
    (mail("C", messages=20, of=FORWARDED) + mail("C"), 1, "most of it is ours"),
    (mail("C", days=[0], messages=9), 0, "9 messages are not worth a word"),
    (mail("C", days=[0], messages=10), 1, "10 are"),
    (mail("C", days=range(28, 60)), 0, "it was there a month ago"),
    (mail("b"), 0, "listed in another case"),
]


@pytest.mark.parametrize(("rows", "count", "why"), UNLISTED, ids=[row[-1] for row in UNLISTED])
def test_unlisted(rows, count, why):
    told = found([B], [*rows, *OTHERS])
    assert [(finding.kind, finding.sender) for finding in told] == [(FindingKind.UNLISTED, "C")] * count, why


def test_what_a_finding_says():
    rows = [*mail("C d", range(5), 30), *mail("E", range(5), 20, of=UNKNOWN), *OTHERS]
    first, second = found([B], rows)
    assert first.what == "sends as you and is on no list"
    assert (first.since, first.figure, first.line) == (ago(4), "150 messages in 28 days", 0)
    assert "dmarcscope senders accept 'C d'" in first.fix  # to be copied into a shell
    assert "nobody knows" in second.what
    (failing,) = found([OURS, B], [*mail(days=range(3), passing=0), *mail(days=range(3, 60)), *OTHERS])
    assert (failing.since, failing.figure) == (ago(2), "57.1 % pass in the last 7 days, 100.0 % in the 28 before")
    (silent,) = found([OURS, B], [*mail(days=range(20, 60)), *OTHERS])
    assert (silent.since, silent.figure) == (ago(20), "20 days ago")
    (never,) = found([listed(expected=(5, 9)), B], OTHERS)
    assert (never.since, never.figure) == (None, f"never in the last {LOOK_BACK} days")
    (due,) = found([listed(review=ago(1), owner="Anna"), B], [*mail(), *OTHERS])
    assert (due.since, due.figure) == (ago(1), "1 day")
    assert due.fix.startswith("Ask Anna whether it is still needed; then: dmarcscope senders accept A --review")
    (more,) = found([listed(expected=(1, 5)), B], [*mail(), *OTHERS])
    assert (more.since, more.figure) == (ago(9), f"700 messages in the week to {ago(3)}, expected 1 to 5")


def test_the_limits_can_be_told():
    rows = [*mail("C", [0], 5), *mail(days=range(8, 60)), *OTHERS]
    assert found([OURS, B], rows) == []
    told = found([OURS, B], rows, limits=Limits(least_messages=5, silent_days=8))
    assert [finding.kind.value for finding in told] == ["unlisted", "silent"]


def test_without_reports_nobody_is_silent():
    (only,) = found([listed(expected=(5, 9))], mail(days=range(20, 60)))
    assert (only.kind, only.since, only.figure) == (FindingKind.NO_REPORTS, ago(20), "the last 20 days ago")
    (only,) = found([], [])
    assert (only.kind, only.since) == (FindingKind.NO_REPORTS, None)


def test_too_little_is_not_said_of_a_week_that_is_not_whole():
    assert found([listed(expected=(5000, 9000))], mail(days=range(8))) == []


def test_the_most_pressing_first():
    entries = [listed(review=ago(1)), ListedSender("N", Label.NOT_OURS), ListedSender("S", Label.OURS), B]
    rows = [
        *mail(days=range(7), passing=0),
        *mail(days=range(7, 60)),
        *mail("N"),
        *mail("S", range(20, 60)),
        *mail("C"),
        *mail("D", messages=200),
    ]
    told = [(finding.kind.value, finding.sender) for finding in found(entries, [*rows, *OTHERS])]
    assert told == [("not-ours-passes", "N"), ("failing", "A"), ("unlisted", "D"), ("unlisted", "C"), ("silent", "S"), ("overdue", "A")]


COM, ORG = ("example.com",), ("example.org",)
SCOPED = [
    # entries of A, rows, the domain asked for, kinds, why
    ([listed(domains=COM)], mail(domains=COM), None, [], "as listed"),
    ([listed(domains=COM)], mail(domains=ORG), None, ["unlisted"], "listed for another domain"),
    ([listed(Label.NOT_OURS, domains=COM), listed()], mail(domains=COM), None, ["not-ours-passes"], "the first that fits"),
    ([listed(Label.NOT_OURS, domains=COM), listed()], mail(domains=ORG), None, [], "the second"),
    ([listed(domains=ORG, review=ago(1))], mail("B", domains=COM), "example.com", [], "of no concern here"),
    ([listed(domains=("news.example.com",), review=ago(1))], mail("B", domains=COM), "example.com", ["overdue"], "a domain below"),
    ([listed(expected=(5000, 9000))], mail(domains=COM), "example.com", [], "its mail for other domains is not asked for"),
    ([listed(expected=(5000, 9000), domains=COM)], mail(domains=COM), "example.com", ["volume"], "all of it is"),
    ([listed()], mail(domains=ORG) + mail("B", domains=COM), "example.com", [], "never seen here: not silent here"),
]


@pytest.mark.parametrize(("entries", "rows", "domain", "kinds", "why"), SCOPED, ids=[row[-1] for row in SCOPED])
def test_entries_for_some_domains(entries, rows, domain, kinds, why):
    told = found([*entries, B], [*rows, *mail("B", messages=1, domains=(*COM, *ORG))], domain=domain)
    assert [finding.kind.value for finding in told] == kinds, why


def test_the_question_names_the_domains_to_tell_apart():
    owner = OwnerList((listed(domains=ORG), ListedSender("B", Label.OURS, domains=COM)))
    assert Question(owner, TODAY).scopes == ("example.com", "example.org")
    assert Question(owner, TODAY, domain="example.net").scopes == ("example.com", "example.net", "example.org")
    assert Question(OwnerList(), TODAY).scopes == ()


ROWS = st.builds(
    SenderDay,
    sender=st.sampled_from("ABC"),
    sender_class=st.sampled_from(SenderClass),
    domains=st.sampled_from([(), COM, ORG]),
    day=st.integers(0, 90).map(ago),
    last_seen=st.integers(0, 90).map(ago),
    messages=st.integers(0, 1000),
    dmarc_pass=st.just(0),
)
ENTRIES = st.builds(
    ListedSender,
    name=st.sampled_from("AB"),
    label=st.sampled_from(Label),
    expected=st.none() | st.just((1, 5)),
    review=st.none() | st.integers(-5, 5).map(ago),
    domains=st.sampled_from([(), COM]),
)


@given(st.lists(ENTRIES, max_size=4), st.lists(ROWS, max_size=20), st.sampled_from([None, "example.com"]))
def test_any_list_and_mail_gives_findings_that_say_all(entries, rows, domain):
    for finding in found(entries, rows, domain=domain):
        assert finding.what
        assert finding.figure
        assert finding.fix
        assert finding.since is None or finding.since <= TODAY
