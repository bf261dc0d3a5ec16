"""The Python API, on the sample reports: their truth is known."""

import json
from pathlib import Path

import pytest

import dmarcscope

SAMPLES = Path(__file__).parent.parent / "sample_reports"
TRUTH = json.loads((SAMPLES / "truth.json").read_text())


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with dmarcscope.open_store(tmp_path_factory.mktemp("store")) as opened:
        outcome = opened.ingest([SAMPLES / "reports"])
        opened.outcome = outcome
        yield opened


def test_outcome_is_the_truth(store):
    facts = store.outcome.as_dict()
    assert {name: facts[name] for name in TRUTH["artefacts"]} == TRUTH["artefacts"]


def test_totals_are_the_truth(store):
    totals = store.sources("example.com", by="disposition").set_index("disposition")
    assert totals["messages"].to_dict() == TRUTH["totals"]["disposition"]
    for name in ("messages", "dmarc_pass", "dkim_aligned", "spf_aligned"):
        assert totals[name].sum() == TRUTH["totals"][name]


def test_each_source_is_the_truth(store):
    frame = store.sources("example.com").set_index("source_ip")
    assert set(frame.index) == set(TRUTH["per_source_ip"])
    for ip, facts in TRUTH["per_source_ip"].items():
        for name in ("messages", "dmarc_pass", "dkim_aligned", "spf_aligned"):
            assert frame.loc[ip, name] == facts[name], f"{ip} {name}"
        reporters = facts["reporters"]
        assert frame.loc[ip, "reporters"] == (reporters if isinstance(reporters, int) else len(reporters))


@pytest.mark.parametrize("week", TRUTH["weeks"])
def test_each_week_is_the_truth(store, week):
    frame = store.sources("example.com", by="header_from", since=week, until=week)
    told = TRUTH["by_week"][week]
    assert frame["messages"].sum() == told["messages"]
    assert frame["dmarc_pass"].sum() == told["dmarc_pass"]


@pytest.mark.parametrize("by", ["source_ip", "dkim_domain", "spf_domain", "header_from", "reporter", "day", "disposition"])
def test_sums_stay_whole_however_they_are_grouped(store, by):
    frame = store.sources(by=by)
    assert frame["messages"].sum() == TRUTH["totals"]["messages"]
    assert (frame["delivered"] + frame["quarantined"] + frame["rejected"]).sum() == TRUTH["totals"]["messages"]


@pytest.mark.parametrize("by", ["source_ip", "dkim_domain", "day"])
def test_a_limit_takes_the_first_of_the_same_lines(store, by):
    whole, first = store.sources(by=by), store.sources(by=by, limit=5)
    assert first.to_dict() == whole.head(5).to_dict()


def test_records_and_reports_agree(store):
    records, reports = store.records(), store.reports()
    assert len(records) == TRUTH["artefacts"]["records"]
    stored = reports[reports["state"] == "stored"]
    assert records["count"].sum() == stored["messages"].sum() == TRUTH["totals"]["messages"]
    assert set(records["report_key"]) == set(stored["report_key"])
    assert (reports["state"] == "duplicate").sum() == 1


@pytest.mark.parametrize(
    ("columns", "method"),
    [
        (
            (
                "reporter report_id policy_domain period_begin period_end source_ip count disposition dkim_aligned spf_aligned dmarc_pass"
                " header_from envelope_from envelope_to reasons dkim spf"
            ),
            "records",
        ),
        ("reporter report_id policy_domain period_begin period_end records messages defects artefact state", "reports"),
        ("source_ip messages dmarc_pass dkim_aligned spf_aligned reporters first_seen last_seen", "sources"),
    ],
)
def test_promised_columns_are_there(store, columns, method):
    assert set(columns.split()) <= set(getattr(store, method)().columns)


def test_show_and_raw_lead_back_to_the_bytes(store):
    entry = store.reports().iloc[0]
    shown = store.show(int(entry["report_key"]))
    assert len(shown.report.records) == entry["records"]
    assert store.raw(int(entry["report_key"])) == Path(entry["name"]).read_bytes()
    assert store.show(entry["artefact"][:12]).entry["report_key"] == entry["report_key"]


def test_look_ups_alignment_and_history(tmp_path):
    zones = tuple((SAMPLES / "zones").iterdir())
    with dmarcscope.open_store(tmp_path / "store") as store:
        store.ingest([SAMPLES / "reports"])
        totals = store.sources()["messages"].sum()
        assert len(store.dns_history("example.com")) == 0
        found = store.resolve("example.com", dns=dmarcscope.DnsSettings(offline=True, zone_files=zones))
        assert found.as_dict()["sources"] == len(TRUTH["per_source_ip"])
        frame = store.sources("example.com").set_index("source_ip")
        assert frame["messages"].sum() == totals, "columns are added beside, no line is lost or doubled"
        assert frame.loc["192.0.2.10", "ptr_name"] == "mail.example.com"
        assert store.alignment()["records"].sum() == TRUTH["artefacts"]["records"]
        assert (store.alignment()["agree"] == store.alignment()["records"]).all()
        seen = store.dns_history("example.com", "TXT").set_index("name")
        assert seen.loc["example.com", "records"] == ["v=spf1 include:_spf.deskpilot.example ~all", "v=spf1 mx ~all"]
        day = seen.loc["example.com", "first_seen"].date()
        assert store.records_on("example.com", "TXT", day).standing == "seen"


def test_verify_and_replay_change_nothing(store):
    before = store.status().contents.totals
    assert all(check.ok for check in store.verify())
    outcome = store.replay(everything=True)
    assert outcome.messages == TRUTH["totals"]["messages"]
    assert store.status().contents.totals == before
    assert all(check.ok for check in store.verify())
    assert store.records()["count"].sum() == TRUTH["totals"]["messages"]


def test_replay_takes_only_the_sidelined(store):
    outcome = store.replay()
    assert (outcome.artefacts, outcome.sidelined) == (1, 1)


CONTAINED = sorted((SAMPLES / "reports").iterdir())


def test_parse_report_opens_any_container():
    kinds = {}
    for path in CONTAINED:
        if path.name != Path(TRUTH["unreadable"] if isinstance(TRUTH.get("unreadable"), str) else "").name:
            kinds.setdefault(path.name.partition(".example!")[2].partition(".")[2], path)
    for path in kinds.values():
        report = dmarcscope.parse_report(path.read_bytes())
        assert report.policy.domain == "example.com"
        assert report.messages == sum(record.count for record in report.records)


def test_parse_report_says_what_is_wrong():
    with pytest.raises(dmarcscope.ReportError, match="no aggregate report: text"):
        dmarcscope.parse_report(b"Hello, this is no report at all.\n")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda store: store.sources(by="colour"), "cannot sum by 'colour'"),
        (lambda store: store.sources(since="yesterday"), "no date, week or span"),
        (lambda store: store.sources(since="2026-05-20", until="2026-05-10"), "is not before"),
        (lambda store: store.show("no-such-report"), "no report 'no-such-report'"),
        (lambda store: store.ingest(["no/such/path"]), "no such file or folder"),
    ],
)
def test_errors_say_what_to_do(store, call, message):
    with pytest.raises(dmarcscope.SetupError, match=message):
        call(store)


def test_public_names_are_there():
    for name in dmarcscope.__all__:
        assert getattr(dmarcscope, name) is not None
    with pytest.raises(AttributeError):
        _ = dmarcscope.no_such_name
