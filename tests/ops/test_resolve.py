"""What look-ups find out about the sources, domains and keys of reports, and that they ask no more than they must."""

import socket
import threading
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from dnsworld import RECORDS, ZONE, ZONES, offline, record, report
from nameserver import NameServer
from storeworld import SMALL, put, take_in

from dmarcscope.errors import LookupUnavailable, SetupError
from dmarcscope.lookup import cache
from dmarcscope.lookup.settings import DnsSettings
from dmarcscope.model.observation import Standing
from dmarcscope.ops import ask
from dmarcscope.ops import resolve as verb
from dmarcscope.ops.history import history, records_on
from dmarcscope.ops.ingest import now
from dmarcscope.ops.resolve import SILENCE, need_answers, resolve
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import rows


@pytest.fixture
def store(tmp_path: Path):
    take_in(tmp_path / "store", put(tmp_path / "in", a__xml=report()))
    with StoreFiles(tmp_path / "store", SMALL) as opened:
        yield opened


@pytest.fixture
def zones(tmp_path: Path) -> DnsSettings:
    return offline(tmp_path / "zones")


def table(store: StoreFiles, name: str, *columns: str) -> set[tuple[object, ...]]:
    return {tuple(row) for row in store.ledger.rows(f"SELECT {', '.join(columns)} FROM {name}")}  # noqa: S608


def test_sources_have_names_that_are_confirmed_or_not(store, zones):
    resolve(store, zones, Filter())
    assert table(store, "sources", "ip", "ptr_result", "ptr_name", "ptr_confirmed", "trouble IS NULL") == {
        ("8.8.8.8", "pass", "mail.example.com", 1, 1),
        ("9.9.9.9", "pass", "out.vendor.example", 1, 1),
        ("7.7.7.7", "fail", "mail.example.com", 0, 1),  # somebody says so; the name does not
        ("6.6.6.6", "permerror", None, 0, 1),
        ("192.168.0.1", "permerror", None, 0, 1),
    }


def test_spf_is_evaluated_for_envelope_and_author_domain_with_the_term(store, zones):
    resolve(store, zones, Filter())
    assert table(store, "spf_checks", "ip", "domain", "result", "term") == {
        ("8.8.8.8", "example.com", "pass", "ip4:8.8.8.8"),
        ("9.9.9.9", "example.com", "fail", "-all"),
        ("9.9.9.9", "vendor.example", "pass", "ip4:9.9.9.0/24"),
        ("7.7.7.7", "example.com", "fail", "-all"),
        ("7.7.7.7", "news.example.com", "none", None),
        ("6.6.6.6", "example.com", "fail", "-all"),
        ("6.6.6.6", "nowhere.example", "none", None),
        ("192.168.0.1", "example.com", "fail", "-all"),
    }
    ((path,),) = table(store, "spf_checks WHERE result = 'pass' AND domain = 'example.com'", "path")
    assert path == '[["example.com", "include:spf.example.com"], ["spf.example.com", "ip4:8.8.8.8"]]'


def test_keys_and_domains(store, zones):
    resolve(store, zones, Filter())
    assert table(store, "keys", "domain", "selector", "state", "algorithm", "bits") == {
        ("example.com", "s1", "usable", "ed25519", 256),
        ("example.com", "old", "revoked", "rsa", None),
        ("example.com", "gone", "missing", None, None),
    }
    assert table(store, "walks", "domain") == {("example.com",), ("news.example.com",), ("vendor.example",), ("nowhere.example",)}


def test_the_answers_of_sources_tell_it_and_ask_nobody(store, zones):
    resolve(store, zones, Filter())
    answer = {row["source_ip"]: row for row in rows(ask.sources(store, "source_ip", Filter()))}
    mine, theirs, nobody = answer["8.8.8.8"], answer["9.9.9.9"], answer["6.6.6.6"]
    assert (mine["ptr_name"], mine["ptr_confirmed"]) == ("mail.example.com", True)
    assert mine["spf_today"] == [{"domain": "example.com", "result": "pass", "term": "ip4:8.8.8.8"}]
    assert mine["dkim_today"] == [{"domain": "example.com", "selector": "s1", "state": "usable"}]
    assert [one["result"] for one in theirs["spf_today"]] == ["fail", "pass"]
    assert (nobody["ptr_name"], nobody["ptr_confirmed"], nobody["dkim_today"]) == (None, None, None)
    signers = {row["dkim_domain"]: row["dkim_today"] for row in rows(ask.sources(store, "dkim_domain", Filter()))}
    assert [one["state"] for one in signers["example.com"]] == ["missing", "revoked", "usable"]
    assert signers[None] is None
    for by in ("spf_domain", "header_from", "reporter", "day", "disposition"):
        assert all(row["spf_today"] is None for row in rows(ask.sources(store, by, Filter())))


def test_without_look_ups_the_columns_are_null(store):
    for row in rows(ask.sources(store, "source_ip", Filter())):
        assert {row[name] for name in ("ptr_name", "ptr_confirmed", "spf_today", "dkim_today")} == {None}


def test_what_is_fresh_is_not_asked_again(store, zones):
    first = resolve(store, zones, Filter())
    assert first.done == 5 + 8 + 3 + 4
    assert (first.waits, first.fresh) == ("", 0)
    second = resolve(store, zones, Filter())
    assert (second.done, second.questions, second.fresh) == (0, 0, first.done)
    assert resolve(store, zones, Filter(), again=True).done == first.done
    take_in(store.root, put(store.root.parent / "more", b__xml=report(*RECORDS, record("8.8.4.4", spf="vendor.example"), number=1)))
    assert resolve(store, zones, Filter()).done == 1 + 2, "a new source and its two domains"


def test_only_what_the_filter_means(store, zones):
    found = resolve(store, zones, Filter("news.example.com"))
    assert {name: sum(words.values()) for name, words in found.found.items()} == {"sources": 1, "spf": 2, "keys": 1, "domains": 2}


def test_small_portions_find_the_same(store, zones, monkeypatch):
    monkeypatch.setattr(verb, "AHEAD", 1)
    monkeypatch.setattr(verb, "SAVE_EVERY", 1)
    monkeypatch.setattr(cache, "SAVE_EVERY", 1)
    assert resolve(store, zones, Filter()).done == 5 + 8 + 3 + 4
    assert len(table(store, "spf_checks", "ip", "domain")) == 8


def test_a_run_that_is_stopped_goes_on_where_it_was(store, zones, monkeypatch):
    monkeypatch.setattr(verb, "AT_ONCE", 1)
    monkeypatch.setattr(verb, "TICK", 0.0)
    stop, done = threading.Event(), []

    def count(number: int) -> None:
        done.append(number)
        if len(done) == 7:
            stop.set()

    first = resolve(store, zones, Filter(), stop=stop, progress=count)
    assert first.waits == "stopped"
    assert 7 <= first.done < 20
    second = resolve(store, zones, Filter())
    assert (second.fresh, second.done) == (first.done, 20 - first.done)


def test_offline_nothing_is_asked(store):
    found = resolve(store, DnsSettings(offline=True), Filter())
    assert (found.done, found.questions, found.waits) == (0, 0, "offline: nothing is asked")
    assert table(store, "observations", "name") == set()


def test_hostile_names_are_not_asked_for(tmp_path, zones):
    hostile = [
        record("8.8.8.8", author=author, spf=spf, dkim=dkim)
        for author, spf, dkim in [
            ("a b.example", "x@y.example", "s1@.."),
            ("x" * 300 + ".example", "a..b", "*@example.com"),
            ("localhost", "printer.local", "s1\\.x@example.com"),
        ]
    ]
    take_in(tmp_path / "s", put(tmp_path / "in", a__xml=report(*hostile, record("not an address"), record("1.2.3.4.in-addr.arpa"))))
    with StoreFiles(tmp_path / "s", SMALL) as store:
        resolve(store, zones, Filter())
        names = {row[0] for row in table(store, "observations", "name")}
        assert not [name for name in names if "@" in name or " " in name or ".." in name or "*" in name or "\\" in name]
        assert table(store, "sources", "ip") == {("8.8.8.8",)}


# Against real servers.


@contextmanager
def silent_server():
    """A port where nobody answers; what came there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        yield udp


def dead(port: int) -> DnsSettings:
    return DnsSettings((("127.0.0.1", port),), timeout=0.2, tries=1)


def test_a_dead_resolver_ends_it_and_replaces_nothing(store, zones):
    resolve(store, zones, Filter())
    names = ("sources", ("ip", "ptr_name", "checked_at")), ("keys", ("selector", "state", "checked_at")), ("spf_checks", ("ip", "result"))
    before = [table(store, name, *columns) for name, columns in names]
    seen = table(store, "observations", "name", "records", "last_seen")
    with silent_server() as udp:
        found = resolve(store, dead(udp.getsockname()[1]), Filter(), again=True)
    assert found.waits == SILENCE
    assert [table(store, name, *columns) for name, columns in names] == before
    assert table(store, "observations", "name", "records", "last_seen") == seen
    with pytest.raises(LookupUnavailable, match="no name server answers"):
        need_answers(found)


def test_what_a_dead_resolver_could_not_tell_is_asked_for_at_the_next_run(store, zones):
    with silent_server() as udp:
        assert resolve(store, dead(udp.getsockname()[1]), Filter()).waits == SILENCE
    again = resolve(store, zones, Filter(), retry=timedelta(hours=1))
    assert (again.done, again.fresh) == (19, 1), "a private address is asked of nobody, whoever is dead"


def test_time_is_up(store):
    with silent_server() as udp:
        found = resolve(store, DnsSettings((udp.getsockname(),), timeout=30, tries=3), Filter(), budget=0.3)
        assert found.waits == "time is up"
        assert udp.recv(512)


def test_records_that_change_are_told_and_can_be_judged_by_the_day(store, tmp_path, monkeypatch):
    """The whole way: a real name server whose records change, look-ups, the ledger, history, and the records of a day."""
    monday = now().replace(year=2026, month=5, day=4, hour=9)
    clock = [monday]
    monkeypatch.setattr(verb, "now", lambda: clock[0])

    def seconds() -> float:
        return clock[0].timestamp()

    monkeypatch.setattr(cache.CachingResolver.__init__, "__kwdefaults__", {"clock": seconds, "limit": 1000})
    with NameServer(tmp_path / "nsd", {name: text.removeprefix(ZONE) for name, text in ZONES.items()}) as server:
        settings = DnsSettings((server.address,), timeout=2.0, tries=2)
        first = resolve(store, settings, Filter())
        assert first.waits == ""
        assert ("192.168.0.1", None) in table(store, "sources", "ip", "ptr_result"), "a private address is asked of nobody"
        clock[0] = monday + timedelta(days=2)
        assert resolve(store, settings, Filter()).done, "after a day it is asked again"
        broken = ZONES["example.com"].removeprefix(ZONE) + '@ TXT "v=spf1 ip4:7.7.7.7 -all"\n'
        server.change({"example.com": broken.replace("p=reject", "p=quarantine")})
        clock[0] = monday + timedelta(days=4)
        resolve(store, settings, Filter())
    results = table(store, "spf_checks", "ip", "result")
    assert ("8.8.8.8", "permerror") in results
    (first_spf, second_spf) = [one for one in history(store, "example.com", "txt").changes if one.after.question.name == "example.com"]
    assert (first_spf.after.times, second_spf.difference) == (2, ("+ v=spf1 ip4:7.7.7.7 -all",))
    (_, dmarc) = [one for one in history(store, "example.com").changes if one.after.question.name == "_dmarc.example.com"]
    assert dmarc.difference == ("~ p=reject → p=quarantine",)
    for day, standing, texts in [
        (-1, Standing.UNKNOWN, []),
        (0, Standing.SEEN, [1]),
        (1, Standing.SEEN, [1]),
        (2, Standing.SEEN, [1]),
        (3, Standing.CHANGED, [1, 2]),
        (4, Standing.CHANGED, [1, 2]),
        (9, Standing.AFTER, [2]),
    ]:
        found = records_on(store, "Example.com.", "txt", (monday + timedelta(days=day)).date())
        assert (found.standing, [len(one.records) for one in found.observations]) == (standing, texts), day


def test_settings_that_are_of_no_use(store, tmp_path):
    with pytest.raises(SetupError, match="not a zone file"):
        resolve(store, DnsSettings(offline=True, zone_files=(tmp_path / "none.zone",)), Filter())
    with StoreFiles(tmp_path / "nothing", SMALL) as empty, pytest.raises(SetupError, match="no store here"):
        resolve(empty, offline(tmp_path / "z"), Filter())


def test_an_answer_from_a_zone_file_is_not_used_when_the_file_has_changed(store, tmp_path):
    resolve(store, offline(tmp_path / "z"), Filter())
    changed = ZONES["example.com"].replace('"v=DKIM1; p="', '"k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="')
    resolve(store, offline(tmp_path / "z", example__com=changed), Filter(), again=True)
    assert ("old", "usable") in table(store, "keys", "selector", "state")
