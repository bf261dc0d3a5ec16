"""The questions behind a decision, asked of a small relation."""

from datetime import UTC, datetime

import duckdb
import pytest

from dmarcscope.tables import decision_questions as questions

# class, sender, count, dmarc_pass, dkim_aligned, policy_domain, header_from, reporter
LINES = [
    ("yours-aligned", "own", 10, True, True, "example.com", "example.com", "mill"),
    ("yours-aligned", "own", 5, True, False, "example.com", "a.example.com", "mill"),
    ("yours-needs-fixing", "own", 3, False, False, "example.com", "a.example.com", "isp"),
    ("unknown", "x", 2, None, None, "example.com", "b.example.com", "isp"),
    ("unknown", "x", None, True, True, "example.com", "b.example.com", None),
    ("unauthorised", "y", 7, False, False, "a.example.net", "a.example.net", "mill"),
]


@pytest.fixture
def ask():
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(
        'CREATE TABLE classified (class TEXT, sender TEXT, "count" BIGINT, dmarc_pass BOOLEAN, dkim_aligned BOOLEAN, policy_domain TEXT,'
        " header_from TEXT, reporter TEXT, period_begin TIMESTAMPTZ, period_end TIMESTAMPTZ, p TEXT, sp TEXT, np TEXT, pct TEXT, testing TEXT)"
    )
    begin, end = datetime(2026, 5, 4, tzinfo=UTC), datetime(2026, 5, 5, tzinfo=UTC)
    connection.executemany(
        "INSERT INTO classified VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'none', NULL, NULL, '100', NULL)",
        [(*line, begin, end) for line in LINES],
    )
    connection.execute(f"CREATE TEMP TABLE deciding AS {questions.DECIDING}")
    yield lambda question: connection.execute(*question).fetchall()
    connection.close()


OWN = questions.scope("example.com", own_record=True)


def test_senders_by_class(ask):
    found = {line[:2]: line[2:6] for line in ask(questions.senders(OWN))}
    assert found == {
        ("own", "yours-aligned"): (15, 15, 15, 10),
        ("own", "yours-needs-fixing"): (3, 3, 0, 0),
        ("x", "unknown"): (2, 0, 0, 0),
    }, "a record without a count has no messages; one without a verdict is not judged"


def test_sums_are_whole(ask):
    every = sum(line[2] for line in LINES if line[2] and line[5] == "example.com")
    assert sum(line[2] for line in ask(questions.senders(OWN))) == every
    assert sum(line[1] for line in ask(questions.names(OWN))) == every
    assert sum(line[1] for line in ask(questions.reporters(OWN))) == every
    assert sum(line[-1] for line in ask(questions.policies(OWN))) == every


def test_the_days_of_a_policy(ask):
    assert ask(questions.policies(OWN)) == [("example.com", "none", None, None, "100", None, 20577, 20577, 20)]
    assert (datetime(2026, 5, 4, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days == 20577, "a period's end belongs to the next day"


def test_names(ask):
    assert ask(questions.names(OWN)) == [("example.com", 10, 10, 10), ("a.example.com", 8, 8, 5), ("b.example.com", 2, 0, 0)]


def test_policy_domains(ask):
    assert ask((questions.POLICY_DOMAINS,)) == [("example.com", 20), ("a.example.net", 7)]


SCOPES = [
    ("example.com", True, 20, "what its record judges"),
    ("example.net", True, 0, "it has none of its own"),
    ("example.net", False, 7, "by author domain, with what is below"),
    ("a.example.com", False, 8, "one below the record's domain"),
    ("com", False, 20, "whole labels"),
    ("ample.com", False, 0, "no half ones"),
]


@pytest.mark.parametrize(("domain", "own_record", "messages", "why"), SCOPES)
def test_scope(ask, domain, own_record, messages, why):
    found = ask(questions.senders(questions.scope(domain, own_record=own_record)))
    assert sum(line[2] for line in found) == messages, why
