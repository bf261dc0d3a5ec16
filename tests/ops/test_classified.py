"""Verdicts on the records of a store: none without one, no message lost in any sum, and nothing out of date is remembered."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dnsworld import FIRST_DAY, ZONES, offline, record, report
from storeworld import SMALL, ask, put, take_in

from dmarcscope.analysis.evidence import identities
from dmarcscope.intake.paths import Arrival
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.model.mail_origin import MailOrigin
from dmarcscope.model.meant import Meant
from dmarcscope.model.owner_list import Label, ListedSender, OwnerList
from dmarcscope.model.sender import Catalogue, Kind, Sender
from dmarcscope.model.verdict import YOURS, SenderClass
from dmarcscope.ops.classified import LEARNING, Classified, classified, evidence_of, widened
from dmarcscope.ops.explain import explain
from dmarcscope.ops.ingest import ingest
from dmarcscope.ops.resolve import resolve
from dmarcscope.ops.senders import count, records, senders
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import rows, rows_of

DAYS = 40
VENDOR = Sender("Vendor", Kind.BILLING, dkim_domains=("vendor.example",), ptr_suffixes=("vendor.example",))
KNOWN = Knowledge(Catalogue((VENDOR,), "2026-01-01"))
NOTHING_TOLD = (
    "<record><row><count>3</count><policy_evaluated><disposition>none</disposition><dkim>fail</dkim><spf>fail</spf></policy_evaluated></row>"
    "<identifiers><header_from>example.com</header_from></identifiers></record>"
)
STRANGE_WORDS = (
    "<record><row><source_ip>somewhere</source_ip><count>5</count><policy_evaluated><disposition>odd</disposition><dkim>odd</dkim>"
    "<spf>odd</spf><reason><type>odd</type></reason></policy_evaluated></row><identifiers><header_from>x</header_from></identifiers>"
    "<auth_results><dkim><result>odd</result></dkim><dkim><domain>example.com</domain></dkim><spf><result>odd</result></spf>"
    "<spf><domain>unknown</domain></spf></auth_results></record>"
)
NO_AUTHOR = "<record><row><source_ip>6.6.6.6</source_ip><count>4</count></row><identifiers/><auth_results/></record>"
NO_COUNT = "<record><row><source_ip>6.6.6.6</source_ip></row><identifiers><header_from>example.com</header_from></identifiers></record>"
ODD = (NOTHING_TOLD, NO_AUTHOR, NO_COUNT, STRANGE_WORDS)
"""What reporters leave out: none of it may make a message vanish."""


def day(number: int) -> datetime:
    """The begin of a day of this world."""
    return datetime.fromtimestamp(FIRST_DAY, UTC) + timedelta(days=number)


def daily(number: int) -> bytes:
    """The report of a day: own mail, a service's that is never aligned, and mail that nothing authenticates."""
    return report(
        record("8.8.8.8", dkim="s1@example.com", count=50 + number, verdicts=("pass", "pass")),
        record("9.9.9.9", dkim="k@vendor.example", spf="vendor.example", count=20),
        record("8.8.4.4", spf="", count=2),
        *(ODD if number % 10 == 5 else ()),
        number=number,
    )


def other(number: int) -> bytes:
    """What another reporter says of a day, of another domain as well."""
    mails = record("8.8.8.8", count=9, verdicts=("fail", "pass")), record("9.9.9.9", author="example.org", spf="vendor.example", count=7)
    return report(*mails, number=number, reporter="other.example")


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    """A store of forty days, some of whose reports came by mail that was authenticated, and the DNS beside it."""
    folder = tmp_path_factory.mktemp("classified")
    arrivals = [Arrival(f"{number}.xml", daily(number)) for number in range(DAYS)]
    arrivals += [
        Arrival(f"o{n}", other(n), MailOrigin("other.example", "mx.example.com", n % 2 == 0, "dmarc")) for n in range(DAYS - 9, DAYS)
    ]
    with StoreFiles(folder / "store", SMALL) as store:
        ingest(store, arrivals)
        resolve(store, offline(folder / "zones"), Filter())
    return folder / "store"


@pytest.fixture
def store(world):
    with StoreFiles(world, SMALL) as opened:
        yield opened


FILTERS = {
    "all": Filter(),
    "a domain": Filter(domain="example.com"),
    "a domain with few": Filter(domain="example.org"),
    "a domain with none": Filter(domain="nobody.example"),
    "domains": Filter(domains=("example.org", "example.com")),
    "a week": Filter(since=day(7), until=day(14)),
    "from on": Filter(since=day(35)),
    "until": Filter(until=day(3)),
    "a day": Filter(since=day(25), until=day(26)),
    "the future": Filter(since=day(400)),
    "a reporter": Filter(reporter="other.example"),
    "a source": Filter(source_ip="9.9.9.9"),
    "a report": Filter(report_key=3),
    "verified": Filter(verified=True),
    "several": Filter(domain="example.com", since=day(30), reporter="other.example", verified=True),
}


@pytest.mark.parametrize("which", FILTERS.values(), ids=FILTERS)
def test_conservation(store, which):
    judged = classified(store, which, KNOWN)
    where, values = judged.which.where()
    sql = f"SELECT count(*) AS lines, coalesce(sum(count), 0) AS messages FROM records {where}"  # noqa: S608 (values bound)
    (truth,) = rows(store.engine.ask(sql, values))
    (whole,) = rows(judged.ask('SELECT count(*) AS lines, coalesce(sum("count"), 0) AS messages FROM classified'))
    assert whole == truth
    parts = rows(
        judged.ask('SELECT sender, class, rule, count(*) AS lines, coalesce(sum("count"), 0) AS messages FROM classified GROUP BY ALL')
    )
    assert sum(part["lines"] for part in parts) == truth["lines"]
    assert sum(part["messages"] for part in parts) == truth["messages"]
    assert {part["class"] for part in parts} <= set(SenderClass), "no record is without a class"
    assert all(part["sender"] and part["rule"] for part in parts)
    assert count(store, which, KNOWN, Meant()) == truth["lines"]
    by_class = sum(count(store, which, KNOWN, Meant(sender_class=one.value)) for one in SenderClass)
    assert by_class == truth["lines"]


@pytest.mark.parametrize("which", FILTERS.values(), ids=FILTERS)
def test_senders_and_records_say_the_same(store, which):
    found = senders(store, which, KNOWN)
    assert len({(line.sender, line.sender_class) for line in found.lines}) == len(found.lines)
    begin = found.begin
    lines = [one for one in rows_of(records(store, which, KNOWN, Meant())[1]) if begin is None or one["period_begin"] >= begin]
    messages, failing, sources = Counter(), Counter(), {}
    for one in lines:
        key = one["sender"], "yours" if one["class"] in YOURS else one["class"]
        messages[key] += one["count"] or 0
        failing[key] += (one["count"] or 0) * (one["class"] == SenderClass.YOURS_NEEDS_FIXING)
        sources.setdefault(key, set()).add(one["source_ip"])
    told = {(line.sender, "yours" if line.sender_class in YOURS else line.sender_class.value): line for line in found.lines}
    assert {key: line.messages for key, line in told.items()} == dict(messages)
    assert {key: line.needs_fixing for key, line in told.items()} == {key: failing[key] for key in told}
    assert {key: line.sources for key, line in told.items()} == {key: len(ips - {None}) for key, ips in sources.items()}


def test_what_is_left_out_of_a_report_is_judged_all_the_same(store):
    judged = classified(store, Filter(), KNOWN)
    found = rows(judged.ask("SELECT * FROM classified WHERE line > 3 AND reporter = 'mill.example' ORDER BY report_key, line"))
    assert len(found) == len(ODD) * DAYS / 10
    told = {(one["source_ip"], one["header_from"], one["dkim_state"], one["spf_state"]) for one in found}
    assert told == {
        (None, "example.com", "missing", "missing"),
        ("6.6.6.6", None, "missing", "missing"),
        ("6.6.6.6", "example.com", "missing", "missing"),
        ("somewhere", "x", "missing", "missing"),
    }
    assert {one["class"] for one in found} <= {"unknown", "unauthorised"}, "what says nothing is nobody's"


def test_states_are_those_of_the_record_itself(store):
    judged = classified(store, Filter(), KNOWN)
    for row in rows(judged.ask("SELECT * FROM classified")):
        signatures = [{name: one[name] for name in ("domain", "selector", "result")} for one in row["dkim"] or ()]
        results = [{name: one[name] for name in ("domain", "scope", "result")} for one in row["spf"] or ()]
        reasons = [one["type"] for one in row["reasons"] or () if one["type"]]
        who = identities(evidence_of({**row, "dkim": signatures, "spf": results, "reasons": reasons}), judged.organizational_of)
        assert (row["dkim_state"], row["spf_state"]) == (who.dkim_state, who.spf_state)


def test_the_period(store):
    assert classified(store, Filter(), KNOWN).period == (day(0), day(DAYS) - timedelta(seconds=1))
    assert classified(store, Filter(since=day(7), until=day(9)), KNOWN).period == (day(7), day(9) - timedelta(seconds=1))
    assert classified(store, Filter(domain="nobody.example"), KNOWN).period == (None, None)


def test_what_the_names_rest_on(store):
    known = classified(store, Filter(), KNOWN).known
    assert known["Vendor", "yours"] == (("DKIM vendor.example", "SPF vendor.example", "PTR vendor.example"), ("catalogued-service",))
    assert known["your own server mail.example.com", "yours"][1] == ("own-spf",)


@pytest.mark.parametrize("selector", ["lb1", "LB1"], ids=["as published", "in another case"])
def test_a_selector_that_leads_to_a_service_names_it(tmp_path, selector):
    take_in(
        tmp_path / "store",
        put(tmp_path / "in", a__xml=report(record("8.8.4.4", dkim=f"{selector}@example.com", spf="", verdicts=("pass", "fail")))),
    )
    service = Sender("Letterbox", Kind.MARKETING, dkim_targets=("keys.vendor.example",))
    zones = {
        "example__com": f"{ZONES['example.com']}lb1._domainkey CNAME x.keys.vendor.example.\n",
        "example": f'{ZONES["example"]}x.keys.vendor TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="\n',
    }
    with StoreFiles(tmp_path / "store", SMALL) as opened:
        resolve(opened, offline(tmp_path / "zones", **zones), Filter())
        judged = classified(opened, Filter(), Knowledge(Catalogue((service,), "")))
        (hints,) = (hints for hints, _ in judged.known.values())
        (key, *_) = explain(opened, "8.8.4.4", Filter(), KNOWN).blocks[0].dns
    assert hints == (f"selector {selector}._domainkey.example.com",)
    assert (key.name, len(key.now)) == ("lb1._domainkey.example.com", 1), "names in the DNS have no case"


# What is learnt from.


def verdicts(judged: Classified) -> dict[tuple[int, int], tuple[str, str, str]]:
    """The verdict on each record."""
    found = rows(judged.ask("SELECT report_key, line, class, sender, rule FROM classified"))
    return {(one["report_key"], one["line"]): (one["class"], one["sender"], one["rule"]) for one in found}


@pytest.mark.parametrize("number", [DAYS - 1, DAYS - 5, 31])
def test_a_day_is_judged_as_in_its_month(store, number):
    alone = verdicts(classified(store, Filter(since=day(number), until=day(number + 1)), KNOWN))
    month = verdicts(classified(store, Filter(since=day(number - 29), until=day(number + 1)), KNOWN))
    assert alone
    assert alone == {key: month[key] for key in alone}
    assert {one[0] for one in alone.values()} >= {"yours-aligned", "yours-needs-fixing"}


def test_part_of_the_mail_is_judged_as_in_all_of_it(store):
    every = verdicts(classified(store, Filter(), KNOWN))
    for part in (Filter(source_ip="9.9.9.9"), Filter(reporter="other.example"), Filter(report_key=3)):
        alone = verdicts(classified(store, part, KNOWN))
        assert alone == {key: every[key] for key in alone}


def test_a_service_is_not_ordered_by_a_day_of_mail(tmp_path):
    """The near miss of the test above: the same mail without the month around it."""
    take_in(tmp_path / "store", put(tmp_path / "in", a__xml=daily(0)))
    with StoreFiles(tmp_path / "store", SMALL) as opened:
        found = verdicts(classified(opened, Filter(), KNOWN))
    assert "yours-needs-fixing" not in {one[0] for one in found.values()}


def test_how_far_back_is_learnt_from(store):
    narrow = Filter(
        domain="example.com", since=day(39), until=day(60), source_ip="9.9.9.9", reporter="other.example", report_key=3, without=(1,)
    )
    assert widened(store, narrow) == Filter(domain="example.com", since=day(60) - LEARNING, until=day(60), without=(1,))
    assert widened(store, Filter(since=day(-9))) == Filter(since=day(-9)), "what is asked for is learnt from, however long it is"
    assert widened(store, Filter(until=day(3))) == Filter(until=day(3)), "all there is"
    assert widened(store, Filter(since=day(400))) == Filter(since=day(400) - LEARNING), "no data"


# What is remembered.


@pytest.fixture
def fresh(tmp_path):
    """A store of a few days, about which nothing was asked."""
    take_in(tmp_path / "store", put(tmp_path / "in", **{f"{number}__xml": daily(number) for number in range(3)}))
    with StoreFiles(tmp_path / "store", SMALL) as opened:
        yield opened


def lines(judged: Classified) -> int:
    """How many records there are, each of them judged."""
    (found,) = rows(judged.ask("SELECT count(*) AS lines, count(class) AS judged FROM classified"))
    assert found["lines"] == found["judged"]
    return int(found["lines"])


def named(judged: Classified, ip: str) -> set[str]:
    """The names of who sends from an address."""
    return {one["sender"] for one in rows(judged.ask("SELECT DISTINCT sender FROM classified WHERE source_ip = ?", [ip]))}


def test_the_same_is_learnt_once(fresh):
    first = classified(fresh, Filter(), KNOWN)
    again = classified(fresh, Filter(source_ip="9.9.9.9"), KNOWN)
    assert again.classifier is first.classifier
    assert lines(first) > lines(again) > 0, "each with its own filter"
    assert classified(fresh, Filter(domain="example.com"), KNOWN).classifier is not first.classifier, "another domain is learnt anew"


@pytest.mark.parametrize("how", ["by this process", "by another"])
def test_a_report_that_arrives_in_between_is_seen(fresh, tmp_path, how):
    before = lines(classified(fresh, Filter(), KNOWN))
    new = put(tmp_path / "new", x__xml=report(record("9.9.9.99", count=1), number=9))
    if how == "by another":
        take_in(fresh.root, new)
    else:
        ingest(fresh, [Arrival("x.xml", (new / "x.xml").read_bytes())])
    judged = classified(fresh, Filter(), KNOWN)
    assert lines(judged) == before + 1
    assert named(judged, "9.9.9.99")


def test_a_report_that_arrives_while_it_is_asked_is_seen_by_the_next(fresh, tmp_path):
    judged = classified(fresh, Filter(), KNOWN)
    before = lines(judged)
    take_in(fresh.root, put(tmp_path / "new", x__xml=report(record("9.9.9.99", count=1), number=9)))
    assert lines(judged) == before, "all answers are of one version"
    assert judged.period[1] == day(3) - timedelta(seconds=1)
    assert lines(classified(fresh, Filter(), KNOWN)) == before + 1


@pytest.mark.parametrize("how", ["by this process", "by another"])
def test_what_the_dns_says_in_between_is_seen(fresh, tmp_path, how):
    assert named(classified(fresh, Filter(), KNOWN), "8.8.8.8") == {"your own hosts"}
    settings = offline(tmp_path / "zones")
    if how == "by another":
        with StoreFiles(fresh.root, SMALL) as another:
            resolve(another, settings, Filter())
    else:
        resolve(fresh, settings, Filter())
    assert named(classified(fresh, Filter(), KNOWN), "8.8.8.8") == {"your own server mail.example.com"}


def test_what_the_owner_says_in_between_is_seen(fresh):
    def classes(knowledge):
        return {one["class"] for one in rows(classified(fresh, Filter(source_ip="9.9.9.9"), knowledge).ask("SELECT class FROM classified"))}

    listed = [replace(KNOWN, owner=OwnerList((ListedSender("Vendor", label),))) for label in (Label.NOT_OURS, Label.OURS)]
    assert [classes(KNOWN), *map(classes, listed), classes(KNOWN)] == [
        {"unknown"},
        {"unauthorised"},
        {"yours-needs-fixing"},
        {"unknown"},
    ]


def test_a_store_without_records(tmp_path):
    with StoreFiles(tmp_path / "store", SMALL) as empty:
        empty.create()
        judged = classified(empty, Filter(), KNOWN)
        assert (lines(judged), judged.period, judged.known) == (0, (None, None), {})
        assert ask(empty, "SELECT count(*) AS lines FROM records") == [{"lines": 0}]


# Records of equal evidence are judged once: what rules look at must never look alike.


def told(
    *, dkim="", spf="", verdicts="<dkim>fail</dkim><spf>fail</spf>", author="example.com", reasons="", ip="192.0.2.1", number=1, rest="none"
):
    """A record; ``dkim`` and ``spf`` are «domain selector-or-scope result», a dot for what is not told."""

    def results(name, second, text):
        for one in filter(None, text.split(",")):
            parts = zip(("domain", second, "result"), one.split(), strict=True)
            yield f"<{name}>{''.join(f'<{key}>{value}</{key}>' for key, value in parts if value != '.')}</{name}>"

    said = "".join([*results("dkim", "selector", dkim), *results("spf", "scope", spf)])
    why = "".join(
        f"<reason><type>{t}</type><comment>{c}</comment></reason>" for t, _, c in (one.partition("|") for one in reasons.split() if one)
    )
    return (
        f"<record><row><source_ip>{ip}</source_ip><count>{number}</count><policy_evaluated><disposition>{rest}</disposition>{verdicts}{why}"
        f"</policy_evaluated></row><identifiers><header_from>{author}</header_from></identifiers><auth_results>{said}</auth_results></record>"
    )


PASSES = "<dkim>pass</dkim><spf>fail</spf>"
DIFFERENT = [
    told(),
    told(author="example.org"),
    told(verdicts=PASSES),
    told(verdicts="<dkim>fail</dkim><spf>pass</spf>"),
    told(verdicts="<dkim>pass</dkim><spf>pass</spf>"),
    told(dkim="a.example . pass"),
    told(spf="a.example . pass"),
    told(dkim="a.example mfrom pass"),
    told(spf="a.example mfrom pass"),
    told(spf="a.example helo pass"),
    told(dkim="a.example mfrom pass", spf="a.example mfrom pass"),
    told(dkim="a.example mfrom pass,a.example mfrom pass"),
    told(spf="a.example mfrom pass,a.example mfrom pass"),
    told(dkim="a.example k fail"),
    told(dkim="a.example k pass"),
    told(dkim="a.example k pass,b.example k pass"),
    told(dkim="b.example k pass,a.example k pass"),
    told(dkim="b.example k pass"),
    told(dkim="a.example l pass"),
    told(dkim=". k pass"),
    told(dkim=". a.example pass"),
    told(reasons="mailing_list"),
    told(reasons="forwarded"),
    told(reasons="forwarded mailing_list"),
    told(reasons="local_policy"),
    told(reasons="local_policy|arc=pass"),
]
ALIKE = [
    told(dkim="a.example k pass", reasons="forwarded mailing_list"),
    told(dkim="a.example k pass", reasons="mailing_list forwarded"),
    told(dkim="a.example k pass", reasons="mailing_list forwarded mailing_list|twice"),
    told(dkim="a.example k pass", reasons="mailing_list forwarded", ip="192.0.2.99", number=7),
    told(dkim="a.example k pass", reasons="mailing_list|because forwarded", rest="reject"),
]


@pytest.mark.parametrize(("variants", "expected"), [(DIFFERENT, len(DIFFERENT)), (ALIKE, 1)], ids=["different", "alike"])
def test_evidence(tmp_path, variants, expected):
    take_in(tmp_path / "store", put(tmp_path / "in", a__xml=report(*variants)))
    with StoreFiles(tmp_path / "store", SMALL) as opened:
        judged = classified(opened, Filter(), KNOWN)
        assert len(judged.identities) == expected
        assert len(set(judged.identities.values())) <= expected
        assert lines(judged) == len(variants)
