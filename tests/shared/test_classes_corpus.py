"""Every record of the shared corpus gets a class with a rule, no message is lost, and most messages have a sender with a name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dmarcscope.analysis.rules import RULES
from dmarcscope.enrich.catalogue import packaged_catalogue
from dmarcscope.intake.paths import arrivals, find
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.model.meant import Meant
from dmarcscope.model.verdict import SenderClass
from dmarcscope.ops import ask
from dmarcscope.ops.classified import Classified, classified
from dmarcscope.ops.ingest import ingest
from dmarcscope.ops.senders import records, senders
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import rows, rows_of

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
if not CORPUS.is_dir():
    pytest.skip("no ../shared/corpus beside this checkout", allow_module_level=True)

KNOWN = Knowledge(packaged_catalogue())
UNNAMED = ("hosts ", "unknown hosts ", "your own hosts")
"""How a sender begins that is only described. Nobody asks the DNS here, so that hosts have no names: only identities name anybody."""
OWN = "your own hosts"
NAMED, NAMED_OR_OWN, NAMED_RECORDS = 0.58, 0.97, 0.22
"""What must not be fallen below: shares of messages with a name, of those and of the owner's own hosts, and of records with a name."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreFiles]:
    with StoreFiles(tmp_path_factory.mktemp("corpus") / "store") as opened:
        ingest(opened, arrivals(find([str(CORPUS)])))
        yield opened


@pytest.fixture(scope="module")
def judged(store: StoreFiles) -> Classified:
    return classified(store, Filter(), KNOWN)


@pytest.fixture(scope="module")
def lines(judged: Classified) -> list[dict[str, Any]]:
    return rows(judged.ask("SELECT * FROM classified"))


def test_every_record_has_a_class_and_a_rule(lines: list[dict[str, Any]]) -> None:
    assert len(lines) > 2_000
    rules = {rule.name for rule in RULES}
    for line in lines:
        assert line["class"] in set(SenderClass)
        assert line["rule"] in rules
        assert line["sender"]
        assert 0 <= line["confidence"] <= 1


def test_no_message_is_lost(store: StoreFiles, lines: list[dict[str, Any]]) -> None:
    (truth,) = rows(store.engine.ask("SELECT count(*) AS lines, CAST(sum(count) AS BIGINT) AS messages FROM records"))
    assert (len(lines), sum(line["count"] or 0 for line in lines)) == (truth["lines"], truth["messages"])
    for domain in ask.domains(store):
        which = Filter(domain=domain)
        summed = senders(store, which, KNOWN)
        told = list(rows_of(records(store, which, KNOWN, Meant())[1]))
        wanted = sum(
            one["count"] or 0 for one in told if summed.begin is None or (one["period_begin"] and one["period_begin"] >= summed.begin)
        )
        assert sum(line.messages for line in summed.lines) == wanted


def test_what_passes_is_never_unauthorised(lines: list[dict[str, Any]]) -> None:
    assert [line for line in lines if line["dmarc_pass"] and line["class"] == SenderClass.UNAUTHORISED] == []


def test_every_name_rests_on_something(judged: Classified, lines: list[dict[str, Any]]) -> None:
    sums: dict[str, int] = {}
    for line in lines:
        sums[line["sender"]] = sums.get(line["sender"], 0) + 1
    assert {name for name, _ in judged.known} == set(sums), "each name rests on something that was seen"


def test_the_share_that_is_named(lines: list[dict[str, Any]]) -> None:
    total = sum(line["count"] or 0 for line in lines)
    named = [line for line in lines if not line["sender"].startswith(UNNAMED)]
    own = [line for line in lines if line["sender"].startswith(OWN)]
    of_messages = sum(line["count"] or 0 for line in named) / total
    with_own = of_messages + sum(line["count"] or 0 for line in own) / total
    of_records = len(named) / len(lines)
    print(f"named: {of_messages:.1%} of {total:,} messages, {with_own:.1%} with the owner's own hosts, {of_records:.1%} of records")
    assert of_messages >= NAMED
    assert with_own >= NAMED_OR_OWN
    assert of_records >= NAMED_RECORDS
