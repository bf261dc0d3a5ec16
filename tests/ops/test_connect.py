"""The user's own connection: the same sums as every other answer, one moment of the store, and no way to write to it."""

import hashlib
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from storeworld import SMALL, put, report, take_in, write_world

import dmarcscope
from dmarcscope.connecting import connect
from dmarcscope.errors import SetupError
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.model.sender import Catalogue
from dmarcscope.ops import connect as connecting
from dmarcscope.ops.classified import classified
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import rows

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_reports"
CONFIG = SAMPLES / "dmarcscope.toml"
TOTAL = 'SELECT count(*), coalesce(sum("count"), 0) FROM '


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The sample domain in a store whose path no question may stumble over."""
    root = tmp_path_factory.mktemp("connect") / "year=2020" / "it's my store?"
    with dmarcscope.open_store(root, config=CONFIG) as store:
        store.ingest([SAMPLES / "reports"])
        zones = tuple(sorted((SAMPLES / "zones").iterdir()))
        store.resolve(dns=dmarcscope.DnsSettings(offline=True, zone_files=zones))
    return root


def fingerprints(root: Path) -> dict[str, str]:
    """Every file of a store with the hash of its bytes, but for what SQLite keeps beside a database that is open."""
    files = (path for path in root.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm")))
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


ASKED = {
    "all": {},
    "a domain": {"domain": "example.com"},
    "a subdomain": {"domain": "payroll.example.com"},
    "no such domain": {"domain": "who?'s.example"},
    "a week": {"since": "2026-W20", "until": "2026-W20"},
    "a month's turn": {"domain": "example.com", "since": "2026-04-29", "until": "2026-05-02"},
    "from on": {"since": "2026-05-20"},
    "until": {"until": "2026-05-01"},
    "the future": {"since": "2030-01-01"},
}


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_it_says_what_the_store_says(sample, asked):
    with dmarcscope.open_store(sample, config=CONFIG) as store, connect(sample, config=CONFIG, **asked) as connection:
        records = store.records(**asked)
        assert connection.execute(TOTAL + "records").fetchone() == (len(records), records["count"].sum())
        assert connection.execute(TOTAL + "classified").fetchone() == (len(records), records["count"].sum())
        told = connection.execute(
            'SELECT class, sender, rule, sum("count") AS messages FROM classified GROUP BY ALL ORDER BY ALL'
        ).fetchall()
        assert all(sender and of and rule for of, sender, rule, _ in told), "no record is without a verdict"
        assert connection.execute("SELECT coalesce(sum(messages), 0) FROM senders").fetchone() == (records["count"].sum(),)
        assert connection.execute("SELECT report_key, state FROM reports ORDER BY 1").fetchall() == [
            tuple(one) for one in store.reports(**asked)[["report_key", "state"]].sort_values("report_key").to_numpy().tolist()
        ]


@pytest.mark.parametrize("asked", [{}, {"domain": "example.com", "since": "2026-W18"}], ids=["all", "all that there is"])
def test_verdicts_are_those_of_the_other_answers(sample, asked):
    with dmarcscope.open_store(sample, config=CONFIG) as store, connect(sample, config=CONFIG, **asked) as connection:
        mine = connection.execute("SELECT report_key, line, class, sender, rule, confidence FROM classified ORDER BY 1, 2").df()
        theirs = store.classified(**asked)[list(mine.columns)].reset_index(drop=True)
        assert mine.astype(str).equals(theirs.astype(str))


def test_senders_are_compared_with_the_time_before(sample):
    week = {"domain": "example.com", "since": "2026-W20", "until": "2026-W20"}
    with dmarcscope.open_store(sample, config=CONFIG) as store, connect(sample, config=CONFIG, **week) as connection:
        mine, theirs = connection.execute("FROM senders").df(), store.senders(**week)
    assert list(mine.columns) == list(theirs.columns)
    for name in ("sender", "class", "messages", "messages_before", "next_step"):
        assert mine[name].tolist() == theirs[name].tolist()


@pytest.mark.parametrize("which", [Filter(), Filter(domain="example.com")], ids=["all", "a domain"])
def test_states_too(sample, which):
    sql = "SELECT dkim_state, spf_state, count(*) AS lines FROM classified GROUP BY ALL ORDER BY ALL"
    knowledge = Knowledge(Catalogue((), "2026-01-01"))
    with StoreFiles(sample, SMALL) as store:
        told = [tuple(one.values()) for one in rows(classified(store, which, knowledge).ask(sql))]
        with connecting.connect(store, which, knowledge) as connection:
            assert connection.execute(sql).fetchall() == told


def test_every_view_and_column_is_described(sample):
    with connect(sample, config=CONFIG) as connection:
        views = dict(
            connection.execute(
                "SELECT view_name, comment FROM duckdb_views() WHERE schema_name = 'main' AND NOT internal AND NOT temporary"
            ).fetchall()
        )
        assert views.keys() == connecting.VIEWS.keys()
        assert all(views.values())
        for name, (_, columns) in connecting.VIEWS.items():
            sql = "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = ? AND schema_name = 'main' ORDER BY column_index"
            told = connection.execute(sql, [name]).fetchall()
            assert told == [(column.name, column.meaning) for column in columns]
    page = (ROOT / "docs" / "columns.md").read_text() + (ROOT / "docs" / "python.md").read_text()
    assert all(f"`{column.name}`" in page for _, columns in connecting.VIEWS.values() for column in columns)


@pytest.fixture
def own(tmp_path):
    """A small store that may be harmed."""
    write_world(tmp_path / "in", 12)
    take_in(tmp_path / "store", tmp_path / "in")
    return tmp_path / "store"


HARM = {
    "overwrite a file of the table": "COPY (SELECT 1) TO '{file}' (FORMAT parquet)",
    "overwrite it in place": "COPY (SELECT 1) TO '{file}' (FORMAT parquet, USE_TMP_FILE false)",
    "add a file beside it": "COPY (SELECT * FROM records) TO '{folder}/more.parquet' (FORMAT parquet)",
    "add a folder": "COPY (SELECT * FROM records) TO '{folder}' (FORMAT parquet, PARTITION_BY month, OVERWRITE_OR_IGNORE)",
    "change a record": 'UPDATE records SET "count" = 0',
    "take one out": "DELETE FROM records",
    "put one in": "INSERT INTO records SELECT * FROM records",
    "put one into the files": "INSERT INTO record_files SELECT * FROM record_files",
    "open the ledger": "ATTACH '{root}/ledger.db' AS ledger (TYPE sqlite)",
    "open it as another thing": "ATTACH '{root}/ledger.db' AS ledger",
    "export everything": "EXPORT DATABASE '{root}/out'",
    "allow itself more": "SET enable_external_access = true",
    "allow itself a folder": "SET allowed_directories = ['{root}']",
    "get an extension": "INSTALL httpfs",
    "read another file": "SELECT * FROM read_text('{root}/ledger.db')",
    "read what is not of this version": "SELECT * FROM read_parquet('{file}')",
}


@pytest.mark.parametrize("sql", HARM.values(), ids=HARM)
def test_it_can_do_no_harm(own, sql):
    before = fingerprints(own)
    with connect(own) as connection:
        lines = connection.execute("SELECT count(*) FROM records").fetchone()
        file = next((own / "records").rglob("*.parquet"))
        with pytest.raises(duckdb.Error):
            connection.execute(sql.format(root=own, folder=own / "records", file=file)).fetchall()
        assert connection.execute("SELECT count(*) FROM records").fetchone() == lines
    assert fingerprints(own) == before


def test_what_is_made_in_it_stays_in_it(own):
    before = fingerprints(own)
    with connect(own) as connection:
        connection.register("teams", pd.DataFrame({"source_ip": ["192.0.2.1", "192.0.2.2"], "team": ["mail", "web"]}))
        connection.execute("CREATE TABLE mine AS SELECT team, count(*) AS lines FROM records JOIN teams USING (source_ip) GROUP BY team")
        assert connection.execute("SELECT count(*) > 0 FROM mine").fetchone() == (True,)
        connection.execute("DROP VIEW records")
    assert fingerprints(own) == before
    with connect(own) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM records").fetchone() == (True,)
        with pytest.raises(duckdb.CatalogException):
            connection.execute("FROM mine")


def test_it_shows_the_store_as_it_was(own, tmp_path):
    with connect(own) as connection:
        before = connection.execute('SELECT count(*), sum("count") FROM classified').fetchone()
        take_in(own, put(tmp_path / "more", a__xml=report(7_000)))
        assert connection.execute('SELECT count(*), sum("count") FROM classified').fetchone() == before
    with connect(own) as connection:
        assert connection.execute("SELECT count(*) FROM classified").fetchone() == (before[0] + 3,)


def test_it_is_closed_at_the_end(own):
    with connect(own) as connection:
        connection.execute("FROM records")
    with pytest.raises(duckdb.ConnectionException):
        connection.execute("FROM records")


def test_two_at_once(own):
    with connect(own) as one, connect(own, until="2026-05-05") as other:
        assert one.execute("SELECT count(*) FROM records").fetchone() > other.execute("SELECT count(*) FROM records").fetchone()


def test_reports_that_do_not_say_when(own, tmp_path):
    begin, end = "<date_range>", "</date_range>"
    text = report(9_000).decode()
    timeless = text[: text.index(begin)] + text[text.index(end) + len(end) :]
    take_in(own, put(tmp_path / "timeless", a__xml=timeless.encode()))
    with connect(own) as connection:
        assert connection.execute("SELECT count(*), count(class) FROM classified WHERE period_begin IS NULL").fetchone() == (3, 3)
        assert (
            connection.execute("SELECT sum(messages) FROM senders").fetchone()
            == connection.execute('SELECT sum("count") FROM records').fetchone()
        )


def test_a_store_without_reports(tmp_path):
    take_in(tmp_path / "store", put(tmp_path / "in", a__txt=b"hello"))
    with connect(tmp_path / "store") as connection:
        for name in connecting.VIEWS:
            assert connection.execute(f"FROM {name}").fetchall() == []


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "there is no store here yet"),
        ({"since": "2026-05-10", "until": "2026-05-01"}, "is not before"),
        ({"since": "yesterday or so"}, "yesterday or so"),
    ],
    ids=["no store", "a time that ends before it begins", "no time"],
)
def test_errors_say_what_is_wrong(tmp_path, asked, told):
    with pytest.raises(SetupError, match=told):
        connect(tmp_path / "none", **asked)
    assert not (tmp_path / "none").exists()


def test_a_configuration_that_is_not_there(sample):
    with pytest.raises(SetupError, match=r"none\.toml"):
        connect(sample, config="none.toml")
