"""Reports whose mail did not verifiably come from its author domain can be left out, and everything says the same of them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from mailworld import report_mail
from storeworld import report

import dmarcscope
from dmarcscope.intake.paths import Arrival
from dmarcscope.model.mail_origin import MailOrigin
from dmarcscope.ops.ingest import ingest

GOOD = MailOrigin("mill.example", "mx.example.com", True, "mx.example.com: dmarc=pass for mill.example")
BAD = MailOrigin("mill.example", "mx.example.com", False, "mx.example.com: dmarc=fail for mill.example")
SILENT = MailOrigin("mill.example", None, None, "no trusted host spoke")


@pytest.fixture
def store(tmp_path: Path):
    """Report 1 verified, 2 refused, 3 undecided, 4 from a file, 5 first by a forger's mail and then by the reporter's own."""
    arrivals = [
        Arrival("1", report_mail(1), GOOD),
        Arrival("2", report_mail(2), BAD),
        Arrival("3", report_mail(3), SILENT),
        Arrival("4.xml", report(4)),
        Arrival("5-forged", report_mail(5, headers={"X-Forged": "yes"}), BAD),
        Arrival("5", report_mail(5), GOOD),
    ]
    with dmarcscope.open_store(tmp_path / "store") as opened:
        ingest(opened.files, arrivals)
        yield opened


def test_off_by_default_and_left_out_on_wish(store):
    assert sorted(store.reports().query("state == 'stored'").report_id) == ["r-1", "r-2", "r-3", "r-4", "r-5"]
    assert sorted(store.reports(verified=True).query("state == 'stored'").report_id) == ["r-1", "r-5"]
    assert sorted(set(store.records(verified=True).report_id)) == ["r-1", "r-5"]
    everything, verified = store.sources()["messages"].sum(), store.sources(verified=True)["messages"].sum()
    assert verified == sum(store.records(verified=True)["count"]) < everything == sum(store.records()["count"])


def test_the_evidence_stands_beside_the_report(store):
    told = store.reports().set_index("name")[["mail_from", "mail_verified", "mail_reason"]]
    assert told.loc["1"].tolist() == ["mill.example", True, GOOD.reason]
    assert told.loc["2"].tolist() == ["mill.example", False, BAD.reason]
    assert told.loc["3"].tolist()[1] is None
    assert told.loc["4.xml"].isna().all()


def test_it_is_kept_while_the_store_is_away(store, tmp_path):
    """What waits in the spool has its origin in the journal."""
    with store.files.spool.receive() as incoming:
        incoming.put([Arrival("6", report_mail(6), GOOD)], datetime(2026, 5, 14, tzinfo=UTC))
    ingest(store.files, [])
    assert "r-6" in set(store.reports(verified=True).report_id)
