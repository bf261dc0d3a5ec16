"""What to publish, from a whole store: the sample's mistake, and keys, terms and return paths as reports and the DNS show them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from dnsworld import ZONES, offline, record, report
from storeworld import SMALL, put, take_in

from dmarcscope.cli.app import run
from dmarcscope.config.loading import load
from dmarcscope.errors import SetupError
from dmarcscope.model.fix import Lookups
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.model.owner_list import Label, ListedSender, OwnerList
from dmarcscope.model.sender import Aligning, Catalogue, Kind, Sender
from dmarcscope.ops.fixes import as_dicts, fixes
from dmarcscope.ops.resolve import resolve
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.queries import Filter
from dmarcscope.wiring import dns_settings, knowledge

SAMPLE = Path(__file__).parents[2] / "sample_reports"
CONFIG = SAMPLE / "dmarcscope.toml"
MERGED = 'example.com. IN TXT "v=spf1 include:_spf.deskpilot.example mx ~all"'


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The sample reports, and what the DNS says of them."""
    folder = tmp_path_factory.mktemp("fixes") / "store"
    take_in(folder, SAMPLE / "reports")
    with StoreFiles(folder, SMALL) as store:
        resolve(store, dns_settings(load(CONFIG)), Filter())
        yield store


def test_the_mistake_of_the_sample_and_what_mends_it(sample):
    key, spf = fixes(sample, Filter(domain="example.com"), knowledge(CONFIG))
    assert (spf.sender, spf.records) == ("mail.example.com", (MERGED,))
    assert spf.what.startswith("make one SPF record of the 2 at example.com")
    assert spf.why == "SPF of example.com gave permerror or temperror for 1,542 messages"
    assert round(spf.messages_a_week) == 386
    assert (key.sender, round(key.messages_a_week)) == ("Billwell", 490), "what aligns most goes first"
    assert key.why == "it signs with another domain only, and SPF is not aligned either, for 1,958 messages"
    assert key.lookups is None


def test_what_the_record_costs_is_counted_once_it_was_checked(sample, capsys):
    (_, before) = fixes(sample, Filter(), knowledge(CONFIG))
    assert before.lookups == Lookups(0, None), "nobody has looked into the help desk's record yet, as no receiver can"
    assert run(["check", "example.com", "--config", str(CONFIG), "--store", str(sample.root)]) in {0, 1}
    capsys.readouterr()
    (_, after) = fixes(sample, Filter(), knowledge(CONFIG))
    assert (after.records, after.lookups) == ((MERGED,), Lookups(0, 2)), "the include and the mx"


def test_before_the_mistake_there_is_nothing_to_mend_in_spf(sample):
    until = Filter(until=datetime(2026, 5, 11, tzinfo=UTC))
    assert [fix.sender for fix in fixes(sample, until, knowledge(CONFIG))] == ["Billwell"]


def test_as_flat_facts(sample):
    key, spf = as_dicts(fixes(sample, Filter(), knowledge(CONFIG)))
    assert list(key) == list(spf)
    assert (spf["records"], spf["lookups_before"]) == ([MERGED], 0)
    assert (key["lookups_before"], key["lookups_after"]) == (None, None)


# A world of one's own.

VENDOR = Sender(
    "Vendor",
    Kind.BILLING,
    dkim_domains=("vendor.example",),
    spf_domains=("vendor.example",),
    ptr_suffixes=("vendor.example",),
    dkim=Aligning.YES,
    dkim_records=("v1._domainkey CNAME v1.keys.vendor.example",),
    return_path=Aligning.YES,
    return_path_records=("bounce TXT v=spf1 include:vendor.example ~all",),
)
KNOWN = Knowledge(Catalogue((VENDOR,), "2026-01-01"), OwnerList((ListedSender("Vendor", Label.OURS),)))
HOSTS = f"{ZONES['in-addr.arpa']}10.9.9.9 PTR mail2.example.com.\n"
OWN = f"{ZONES['example.com']}mail2 A 9.9.9.10\n"


def told(ip, *, dkim="", spf="pass", count=10, of="example.com"):
    """A record whose signatures fail, and SPF with that result."""
    made = record(ip, dkim=dkim, spf=of, count=count)
    return made.replace("<result>pass</result></dkim>", "<result>fail</result></dkim>").replace(
        "<result>pass</result></spf>", f"<result>{spf}</result></spf>"
    )


@pytest.fixture
def store(tmp_path):
    """Makes a store of records, with the DNS asked once for each of some zones."""
    opened: list[StoreFiles] = []

    def make(*records: str, zones=(OWN,)) -> StoreFiles:
        take_in(tmp_path / "store", put(tmp_path / "in", a__xml=report(*records)))
        opened.append(StoreFiles(tmp_path / "store", SMALL))
        for number, zone in enumerate(zones):
            settings = offline(tmp_path / f"zones{number}", example__com=zone, **{"in-addr__arpa": HOSTS})
            resolve(opened[-1], settings, Filter(), again=True)
        return opened[-1]

    yield make
    for one in opened:
        one.close()


KEY = '"k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="'
WITHOUT = "\n".join(line for line in OWN.splitlines() if not line.startswith("s1._domainkey")) + "\n"


@pytest.mark.parametrize("selector", ["s1", "S1"], ids=["as published", "in another case"])
def test_a_key_that_vanished_is_put_back(store, selector):
    made = store(told("8.8.8.8", dkim=f"{selector}@example.com", spf="none", of="nowhere.example"), zones=(OWN, WITHOUT))
    (fix,) = fixes(made, Filter(), KNOWN)
    assert fix.what == f"put the DKIM key back that stood at {selector}._domainkey.example.com; it has vanished from the DNS"
    assert fix.records == (f"{selector}._domainkey.example.com. IN TXT {KEY}",)


KEYS = [("s1", OWN, "compare the key at s1"), ("old", OWN, "publish a key at old"), ("s1", WITHOUT, "publish the DKIM key at s1")]


@pytest.mark.parametrize(("selector", "zone", "what"), KEYS, ids=["there", "revoked", "never there"])
def test_a_key_that_fails(store, selector, zone, what):
    made = store(told("8.8.8.8", dkim=f"{selector}@example.com", spf="none", of="nowhere.example"), zones=(zone,))
    (fix,) = fixes(made, Filter(), KNOWN)
    assert fix.what.startswith(what)


def test_a_server_of_ones_own_that_spf_does_not_list(store):
    made = store(told("9.9.9.10", spf="softfail"))
    key, spf = fixes(made, Filter(), KNOWN)
    assert key.what.startswith("let your own server mail2.example.com sign with DKIM as example.com")
    assert spf.what == "add ip4:9.9.9.10 to the SPF record of example.com"
    assert spf.records == ('example.com. IN TXT "v=spf1 include:spf.example.com ip4:9.9.9.10 -all"',)
    assert spf.lookups == Lookups(1, 1)
    assert key.lookups is None


def test_the_record_is_that_of_the_envelope(store):
    zone = f'{OWN}bounce TXT "v=spf1 -all"\n'
    made = store(told("9.9.9.10", spf="fail", of="bounce.example.com"), told("9.9.9.10", spf="fail", count=3), zones=(zone,))
    spf, _ = fixes(made, Filter(), KNOWN)
    assert spf.records == ('bounce.example.com. IN TXT "v=spf1 ip4:9.9.9.10 -all"',), "the one that most messages have"
    assert spf.lookups == Lookups(0, 0)


def test_a_subdomain_without_a_record_of_its_own(store):
    mail = told("9.9.9.10", spf="softfail").replace("<header_from>example.com", "<header_from>news.example.com")
    spf, key = fixes(store(mail), Filter(), KNOWN)
    assert key.domain == "news.example.com"
    assert (spf.domain, spf.records[0].partition(" ")[0]) == ("example.com", "example.com.")


def test_a_service_that_spf_does_not_list(store):
    made = store(told("9.9.9.9", spf="fail"))
    key, spf = fixes(made, Filter(), KNOWN)
    assert key.records == ("v1._domainkey.example.com. IN CNAME v1.keys.vendor.example.",)
    assert spf.records == ('example.com. IN TXT "v=spf1 include:spf.example.com include:vendor.example -all"',)
    assert spf.lookups.before == 1


def test_a_service_with_an_envelope_of_its_own(store):
    made = store(told("9.9.9.9", of="vendor.example"))
    _, path = fixes(made, Filter(), KNOWN)
    assert path.what == "give Vendor a return path below example.com, for SPF beside DKIM"
    assert path.records == ('bounce.example.com. IN TXT "v=spf1 include:vendor.example ~all"',)
    assert path.lookups is None, "that is the record of another name: what it costs says nothing of the domain's"


def test_what_was_never_asked_is_not_guessed(store):
    made = store(told("9.9.9.10", spf="softfail"), record("8.8.8.8", dkim="s1@example.com", verdicts=("pass", "pass")), zones=())
    listed = Knowledge(owner=OwnerList((ListedSender("hosts not looked up", Label.OURS),)))
    assert [fix.what.split()[0] for fix in fixes(made, Filter(), listed)] == ["let"], "no word of SPF: nobody knows what is there"


def test_mail_that_passes_needs_nothing(store):
    made = store(record("8.8.8.8", dkim="s1@example.com", verdicts=("pass", "pass")))
    assert fixes(made, Filter(), KNOWN) == []


def test_mail_that_is_not_ones_own_needs_nothing(store):
    made = store(record("6.6.6.6", spf="nowhere.example"), told("6.6.6.7", spf="fail"))
    assert fixes(made, Filter(), KNOWN) == []


def test_a_store_without_reports(tmp_path):
    with StoreFiles(tmp_path / "store", SMALL) as empty:
        with pytest.raises(SetupError, match="there is no store here yet"):
            fixes(empty, Filter(), KNOWN)
        empty.create()
        assert fixes(empty, Filter(), KNOWN) == []
