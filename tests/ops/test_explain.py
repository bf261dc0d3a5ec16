"""Explanations of a real store: the chain from reports to the rule, with sums that are whole, and strangers' text made harmless."""

import json
from pathlib import Path

import pytest
from dnsworld import offline, record, report
from storeworld import SMALL, put, take_in

from dmarcscope.analysis.explanation import CLASSES, INPUTS, SENTENCES, because
from dmarcscope.analysis.rules import RULES, decide
from dmarcscope.errors import SetupError
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.model.owner_list import Label, ListedSender, OwnerList
from dmarcscope.model.sender import Catalogue
from dmarcscope.model.verdict import SenderClass
from dmarcscope.ops.classified import classified
from dmarcscope.ops.explain import as_dict, explain
from dmarcscope.ops.resolve import resolve
from dmarcscope.present.explanation import explanation
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import rows

RECORDS = (
    record("8.8.8.8", dkim="s1@example.com", count=50, verdicts=("pass", "pass")),
    record("8.8.8.8", dkim="s1@example.com", spf="vendor.example", count=7, verdicts=("pass", "fail")),
    record("9.9.9.9", dkim="gone@vendor.example", spf="vendor.example", count=20),
    record("6.6.6.6", spf="nowhere.example", count=2),
    record("2001:4860::6", spf="nowhere.example", count=3),
)
KNOWN = Knowledge(Catalogue((), "2026-01-01"))


@pytest.fixture
def store(tmp_path: Path):
    folder = put(tmp_path / "in", a__xml=report(*RECORDS), b__xml=report(*RECORDS[:1], number=1, reporter="other.example"))
    take_in(tmp_path / "store", folder)
    with StoreFiles(tmp_path / "store", SMALL) as opened:
        resolve(opened, offline(tmp_path / "zones"), Filter())
        yield opened


def shown(store, what, **more) -> str:
    return explanation(explain(store, what, Filter(), more.pop("knowledge", KNOWN), **more), 100).plain


def test_an_address_has_a_block_per_verdict_most_messages_first(store):
    found = explain(store, "8.8.8.8", Filter(), KNOWN)
    assert (found.kind, found.messages, found.records) == ("address", 107, 3)
    assert [(block.because.rule, block.said.messages) for block in found.blocks] == [("own-spf", 100), ("own-host", 7)]
    assert sum(block.said.messages for block in found.blocks) == found.messages
    first = found.blocks[0]
    assert first.said.reporters == (("mill.example", 50), ("other.example", 50))
    assert first.because.not_fitting == ("owners-label", "receivers-reason", "catalogued-service")
    assert [(one.kind, one.domain, one.selector, one.result, one.whose) for one in first.identities] == [
        ("DKIM", "example.com", "s1", "pass", "own"),
        ("SPF", "example.com", None, "pass", "own"),
    ]
    assert found.blocks[1].identities[1].whose == "other"


def test_the_dns_beside_it(store):
    first = explain(store, "8.8.8.8", Filter(), KNOWN).blocks[0]
    assert (first.sources[0].ptr_name, first.sources[0].ptr_confirmed) == ("mail.example.com", True)
    term = first.sources[0].spf[0]
    assert (term.domain, term.result, term.term) == ("example.com", "pass", "ip4:8.8.8.8")
    assert term.path == ("example.com: include:spf.example.com", "spf.example.com: ip4:8.8.8.8")
    assert {(one.name, one.kind): one.now for one in first.dns} == {
        ("s1._domainkey.example.com", "TXT"): ("k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",),
        ("example.com", "TXT"): ("v=spf1 include:spf.example.com -all",),
        ("8.8.8.8.in-addr.arpa", "PTR"): ("mail.example.com",),
    }
    assert {one.standing for one in first.dns} == {"unknown"}, "nobody had asked on that day"


def test_the_rest_is_summed(store):
    found = explain(store, "8.8.8.8", Filter(), KNOWN, limit=1)
    assert (len(found.blocks), found.more_verdicts, found.more_messages) == (1, 1, 7)
    assert "… 1 verdict more, on 7 messages" in explanation(found, 100).plain


@pytest.mark.parametrize("what", ["vendor.example", "VENDOR.example", " vendor.example "], ids=["exact", "other case", "blanks"])
def test_a_sender_by_its_name(store, what):
    found = explain(store, what, Filter(), KNOWN)
    assert (found.kind, found.messages) == ("sender", 20)
    assert [block.sender for block in found.blocks] == ["vendor.example"]


def test_an_unknown_sender_gets_the_nearest_names(store):
    with pytest.raises(SetupError, match="no sender is called") as caught:
        explain(store, "vendr.example", Filter(), KNOWN)
    assert "vendor.example" in str(caught.value)


@pytest.mark.parametrize("what", ["1:3", "ID:3"], ids=["key", "report_id"])
def test_a_record(store, what):
    found = explain(
        store, what.replace("ID", store.ledger.rows("SELECT report_id FROM reports WHERE report_key = 1")[0]["report_id"]), Filter(), KNOWN
    )
    assert (found.kind, found.messages, found.records) == ("record", 20, 1)
    assert found.blocks[0].example == "1:3"
    assert found.blocks[0].sources[0].ip == "9.9.9.9"


ABSENT = [
    ("1:99", "no such record"),
    ("77:1", "no report"),
    ("192.0.2.99", "no mail from 192.0.2.99"),
    ("", "no sender is called"),
    ("; DROP TABLE records", "no sender is called"),
]


@pytest.mark.parametrize(("what", "complaint"), ABSENT, ids=[one[0] or "nothing" for one in ABSENT])
def test_what_is_not_there_is_told_in_a_sentence(store, what, complaint):
    with pytest.raises(SetupError) as caught:
        explain(store, what, Filter(), KNOWN)
    assert complaint in str(caught.value)


def test_another_form_of_an_address_is_the_same(store):
    assert explain(store, "2001:4860:0:0::6", Filter(), KNOWN).messages == 3


def test_the_owners_entry_is_shown(store):
    listed = Knowledge(KNOWN.catalogue, OwnerList((ListedSender("vendor.example", Label.NOT_OURS, line=7),), "senders.yaml"))
    text = shown(store, "vendor.example", knowledge=listed)
    assert "Rule owners-label" in text
    assert "Your list of senders: vendor.example, «not ours» (senders.yaml:7)" in text


def test_every_explanation_agrees_with_the_verdict(store):
    judged = classified(store, Filter(), KNOWN)
    for evidence, who in judged.identities.items():
        assert evidence
        for place in judged.places.values():
            case = judged.classifier.case(who, place)
            rule, decision = decide(case)
            verdict = judged.classifier._named(case, rule, decision)
            told = because(case, verdict)
            assert (told.rule, told.sentence) == (rule.name, SENTENCES[rule.name])
            assert told.inputs or rule.name == "abuse"
            assert set(told.not_fitting) == {one.name for one in RULES[: RULES.index(rule)]}


def test_every_rule_and_class_has_its_words():
    assert set(SENTENCES) == set(INPUTS) == {rule.name for rule in RULES}
    assert set(CLASSES) == set(SenderClass)


def test_strangers_text_is_made_harmless(tmp_path):
    hostile = (
        "<record><row><source_ip>9.9.9.9</source_ip><count>3</count><policy_evaluated><disposition>none</disposition><dkim>fail</dkim>"
        "<spf>fail</spf><reason><type>other</type><comment>\u009b31m\u202egnp</comment></reason></policy_evaluated></row><identifiers>"
        "<header_from>example.com</header_from></identifiers><auth_results><dkim><domain>a\u202eb.example</domain><selector>\u009b2J</selector>"
        f"<result>pass</result></dkim><spf><domain>{'x' * 3000}.example</domain><result>fail</result></spf></auth_results></record>"
    )
    take_in(tmp_path / "store", put(tmp_path / "in", a__xml=report(hostile)))
    with StoreFiles(tmp_path / "store", SMALL) as opened:
        text = explanation(explain(opened, "9.9.9.9", Filter(), KNOWN), 100).plain
        json.dumps(as_dict(explain(opened, "1:1", Filter(), KNOWN)), default=str)
    assert not {"\u202e", "\u009b", "\x1b"} & set(text)
    assert "\\u202e" in text
    assert max(map(len, text.splitlines())) < 400


def test_nothing_is_asked_and_nothing_is_changed(store):
    before = rows(store.engine.ask("SELECT * FROM records"))
    shown(store, "8.8.8.8")
    assert rows(store.engine.ask("SELECT * FROM records")) == before
