"""Readiness and coverage of a store that is filled with reports, from the ledger, the table and the DNS as it was seen."""

from datetime import UTC, datetime, timedelta

import pytest
from storeworld import DAY, FIRST_DAY, put, take_in

from dmarcscope.errors import SetupError
from dmarcscope.lookup.cache import Kept
from dmarcscope.model.answer import Answer, Outcome, Question
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.model.owner_list import KnownBy, Label, ListedSender, OwnerList
from dmarcscope.ops.coverage import coverage, with_period
from dmarcscope.ops.readiness import as_dict, line, readiness
from dmarcscope.store.answers import LedgerNotes
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.queries import Filter

START = datetime.fromtimestamp(FIRST_DAY, UTC)
DAYS = 45
NOW = START + timedelta(days=DAYS)
RECORD = "v=DMARC1; p=none; rua=mailto:dmarc@example.com"
OWNER = Knowledge(owner=OwnerList((ListedSender("Own", Label.OURS, known_by=KnownBy(dkim_domains=("example.com",))),)))


def xml(number: int, *, reporter: str = "google.com", domain: str = "example.com", days: int = 1, passing: bool = True) -> bytes:
    """A report about one day, or several, with 20 messages a day."""
    begin = FIRST_DAY + number * DAY
    verdict = "pass" if passing else "fail"
    return (
        f"<feedback><report_metadata><org_name>{reporter}</org_name><email>d@{reporter}</email><report_id>{reporter}-{domain}-{number}</report_id>"
        f"<date_range><begin>{begin}</begin><end>{begin + days * DAY}</end></date_range></report_metadata>"
        f"<policy_published><domain>{domain}</domain><p>none</p><pct>100</pct></policy_published>"
        f"<record><row><source_ip>192.0.2.1</source_ip><count>{20 * days}</count><policy_evaluated><disposition>none</disposition>"
        f"<dkim>{verdict}</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>{domain}</header_from></identifiers>"
        f"<auth_results><dkim><domain>{domain}</domain><selector>s1</selector><result>{verdict}</result></dkim>"
        f"<spf><domain>{domain}</domain><result>fail</result></spf></auth_results></record></feedback>"
    ).encode()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Three daily reporters and a weekly one about a domain in order; one about a domain that only others use."""
    folder = tmp_path_factory.mktemp("ready")
    files = {f"{name}{number}__xml": xml(number, reporter=f"{name}.example") for name in ("mill", "big") for number in range(DAYS)}
    files |= {f"google{number}__xml": xml(number) for number in range(DAYS - 15)}
    files |= {f"isp{number}__xml": xml(7 * number, reporter="isp.example", days=7) for number in range(6)}
    files |= {f"spoofed{number}__xml": xml(number, domain="example.net", passing=False) for number in range(DAYS)}
    take_in(folder / "store", put(folder / "reports", **files))
    return folder / "store"


@pytest.fixture
def store(root):
    with StoreFiles(root) as files:
        yield files


def note(store: StoreFiles, name: str, *records: str) -> None:
    """Let the ledger have seen TXT records at a name."""
    outcome = Outcome.FOUND if records else Outcome.NXDOMAIN
    answer = Answer(Question(name, "TXT"), outcome, records, tuple((record,) for record in records))
    LedgerNotes(store.ledger).put_many([Kept(answer, NOW.timestamp(), NOW.timestamp())])


def test_a_domain_in_order_is_ready(store):
    note(store, "_dmarc.example.com", RECORD)
    (found,) = readiness(store, ["example.com"], Filter(), OWNER, NOW)
    assert found.is_ready, found.readiness.quarantine.because
    assert (
        found.readiness.next_step.line
        == '_dmarc.example.com. IN TXT "v=DMARC1; p=quarantine; t=y; np=reject; rua=mailto:dmarc@example.com"'
    )
    assert (found.readiness.yours, found.readiness.messages) == (20 * (2 * DAYS + DAYS - 15 + 42),) * 2
    assert line(found)["to_reject"] == "not-yet"
    assert as_dict(found)["verdicts"][0]["gates"]


def test_nobody_has_labelled_anything(store):
    (found,) = readiness(store, ["example.com"], Filter(), Knowledge(), NOW)
    assert not found.is_ready
    assert line(found)["missing"] == "unlabelled"


def test_all_domains_one_after_the_other(store):
    found = readiness(store, None, Filter(), OWNER, NOW)
    assert [one.readiness.domain for one in found] == ["example.com", "example.net"]
    alone = [readiness(store, [one.readiness.domain], Filter(), OWNER, NOW)[0].readiness.messages for one in found]
    assert [one.readiness.messages for one in found] == alone


def test_a_domain_that_sends_nothing(store):
    note(store, "example.net", "v=spf1 -all")
    note(store, "_dmarc.example.net", RECORD)
    (found,) = readiness(store, ["example.net"], Filter(), OWNER, NOW)
    assert (found.readiness.yours, found.readiness.parked, found.is_ready) == (0, True, True)
    assert found.readiness.next_step.record == "v=DMARC1; p=reject; np=reject; rua=mailto:dmarc@example.com"
    assert found.readiness.next_step.also == ()


def test_a_domain_of_which_nothing_is_known(store):
    (found,) = readiness(store, ["nobody.example"], Filter(), OWNER, NOW)
    assert line(found)["to_quarantine"] == "no-data"
    assert not found.is_ready


def test_a_period_after_all_reports(store):
    (found,) = readiness(store, ["example.com"], Filter(since=NOW + timedelta(days=30)), OWNER, NOW + timedelta(days=60))
    assert line(found)["to_quarantine"] == "no-data"


def test_an_empty_store(tmp_path):
    with StoreFiles(tmp_path / "store") as store:
        store.create()
        (found,) = readiness(store, ["example.com"], Filter(), OWNER, NOW)
        assert line(found)["to_reject"] == "no-data"
        with pytest.raises(SetupError, match="no reports yet"):
            readiness(store, None, Filter(), OWNER, NOW)
        assert coverage(store, Filter(), NOW).reporters == ()


def test_what_is_no_domain(store):
    with pytest.raises(SetupError, match="is no domain"):
        readiness(store, ["not a domain"], Filter(), OWNER, NOW)


def test_coverage_of_the_store(store):
    found = coverage(store, Filter(domain="example.com"), NOW)
    assert {one.reporter: one.usual for one in found.reporters} == dict.fromkeys(
        ("big.example", "google.com", "isp.example", "mill.example"), True
    )
    assert [(one.reporter, one.silent_since) for one in found.silent] == [("google.com", (START + timedelta(days=DAYS - 15)).date())]
    assert found.spread_reports == 6
    assert found.messages == 20 * (2 * DAYS + DAYS - 15 + 42)


def test_the_last_day_of_a_weekly_report_counts(store):
    day = START + timedelta(days=40)
    found = coverage(store, Filter(domain="example.com", since=day, until=day + timedelta(days=1)), NOW)
    assert {one.reporter: one.messages for one in found.reporters}["isp.example"] == 20, "a seventh of a report that began before"


def test_the_period_is_that_of_the_data(store):
    found = with_period(store, Filter(), NOW)
    assert (found.since, found.until) == (NOW - timedelta(days=90), NOW)


def test_a_report_from_the_future_does_not_move_the_period(tmp_path):
    put(tmp_path / "reports", a__xml=xml(0), b__xml=xml(3000))
    take_in(tmp_path / "store", tmp_path / "reports")
    with StoreFiles(tmp_path / "store") as store:
        assert with_period(store, Filter(), NOW).until == START + timedelta(days=1)
