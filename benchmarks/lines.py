"""The lines of the speed and memory table: what is measured, against which target, and how.

Data is made on first use and kept. Every measured thing runs in a process of its own, and what is compared takes turns.
This module stays small itself, as ``measure`` explains: data is made, and numpy and Arrow imported, elsewhere.
"""

import functools
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Figures, Pairs, ProgramError, Run, Spread, pairs, run_program, run_task
from benchmarks.worlds import DATA, SETS

STORES = DATA / "stores"
RIVAL = DATA / "parsedmarc-venv" / "bin"
MIB = 1024 * 1024
MAILS = 5_000


@dataclass(frozen=True, slots=True)
class Plan:
    """Which data a run takes and how often it repeats each measurement."""

    turns: int
    slow_turns: int  # of measurements that last many seconds
    short_turns: int  # of measurements that last a fraction of one
    reports: str
    some: str
    many: str
    table: str


FULL = Plan(9, 3, 15, "reports-2000", "reports-10000", "reports-50000", "10M")
QUICK = Plan(2, 1, 3, "reports-500", "reports-500", "reports-2000", "1M")


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, in the unit of the line's target, and the raw figures behind it."""

    measured: float | None  # None: could not be measured, and ``raw`` says why
    raw: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table; ``target`` None marks a figure that is only told."""

    name: str
    what: str
    target: float | None
    unit: str
    measure: Callable[[Plan], Figure]
    at_least: bool = False
    digits: int = 2

    def value(self, number: float | None) -> str:
        """Returns a number in this line's unit."""
        return "—" if number is None else f"{number:,.{self.digits}f}{self.unit}"

    def aim(self) -> str:
        """Returns the target as text."""
        return "—" if self.target is None else f"{'≥' if self.at_least else '≤'} {self.target:g}{self.unit}"

    def verdict(self, figure: Figure) -> str:
        """Returns ``met``, ``missed by …``, ``not measured``, or nothing where there is no target."""
        if figure.measured is None:
            return "not measured"
        if self.target is None:
            return ""
        over = figure.measured / self.target
        short = 1 / over if self.at_least else over
        return "met" if short <= 1 else f"missed by a factor of {short:.2f}"


# Programs


@functools.cache
def prepared(name: str) -> Path:
    """Returns the folder of the named data set, made in another process where it is missing."""
    run_program([sys.executable, "-m", "benchmarks.worlds", name])
    return DATA / name


def _dmarcscope(*arguments: str | Path) -> Run:
    script = Path(sys.executable).with_name("dmarcscope")
    start = [script] if script.exists() else [sys.executable, "-m", "dmarcscope"]
    return run_program([*start, *arguments])


def _fresh(name: str) -> Path:
    store = STORES / name
    shutil.rmtree(store, ignore_errors=True)
    STORES.mkdir(parents=True, exist_ok=True)
    return store


def _ingest(name: str, jobs: int = 1, store: str = "cli") -> Run:
    """Ingests the named set into a new store with the command, and sees to it that every record arrived."""
    folder, made = prepared(name), SETS[name]
    run = _dmarcscope("ingest", folder, "--store", _fresh(store), "--format", "json", "--jobs", str(jobs))
    outcome = json.loads(run.output)
    if outcome["records"] != made.count * made.records:
        raise ProgramError(f"ingest of {name} stored {outcome['records']} of {made.count * made.records} records")
    return run


def _task(name: str, *arguments: str | Path) -> Figures:
    return run_task(f"benchmarks.tasks:{name}", *arguments)


@functools.cache
def _install_rival() -> str:
    """Returns parsedmarc's version, after installing it into an environment of its own where it is missing."""
    if not (RIVAL / "parsedmarc").exists():
        run_program([sys.executable, "-m", "venv", RIVAL.parent])
        run_program([RIVAL / "python", "-m", "pip", "install", "--quiet", "parsedmarc"])
    return run_program([RIVAL / "parsedmarc", "--version"]).output.strip()


def _rival(name: str) -> Run:
    """Lets parsedmarc turn the named set into its JSON and CSV files, with nothing shown and nothing looked up."""
    folder, output = prepared(name), _fresh("parsedmarc")
    run = run_program([RIVAL / "parsedmarc", "--offline", "--silent", "--recursive", "--output", output, folder])
    with (output / "aggregate.csv").open() as lines:
        rows = sum(1 for _ in lines) - 1
    made = SETS[name]
    if rows < made.count * made.records:
        raise ProgramError(f"parsedmarc wrote {rows} of {made.count * made.records} records")
    return run


# Lines


def _cpu_pair(taken: Pairs, what: str) -> Figure:
    ours, bare = (spread.text("ms", 1000, 0) for spread in (taken.a, taken.b))
    return Figure(taken.ratio, f"{what} {ours}, bare parse {bare} CPU")


def _parse(plan: Plan) -> Figure:
    folder = prepared(plan.reports)
    taken = pairs(lambda: _task("columns", folder)["cpu"], lambda: _task("bare_parse", folder, "half")["cpu"], plan.turns)
    return _cpu_pair(taken, "bytes to columns, the reporters' shapes known,")


@functools.cache
def _ingest_pairs(plan: Plan) -> tuple[Pairs, Spread]:
    folder, mail = prepared(plan.reports), prepared("mails") / "00.eml"
    whole: list[float] = []

    def ingest() -> float:
        whole.append(_ingest(plan.reports).cpu)
        return _task("ingest", folder, _fresh("in-process"), mail)["cpu"]

    return pairs(ingest, lambda: _task("bare_parse", folder)["cpu"], plan.turns), Spread(tuple(whole))


def _ingest_cpu(plan: Plan) -> Figure:
    return _cpu_pair(_ingest_pairs(plan)[0], "ingest")


def _ingest_whole(plan: Plan) -> Figure:
    taken, whole = _ingest_pairs(plan)
    both = Pairs(whole, taken.b)
    return _cpu_pair(both, "whole process")


def _against_parsedmarc(plan: Plan) -> Figure:
    try:
        rival = _install_rival()
    except ProgramError as failed:
        return Figure(None, f"parsedmarc could not be installed: {failed}"[:200])
    taken = pairs(lambda: _rival(plan.reports).wall, lambda: _ingest(plan.reports).wall, plan.slow_turns)
    made = SETS[plan.reports]
    ours, theirs = (made.count * made.records / spread.median for spread in (taken.b, taken.a))
    raw = f"{ours:,.0f} against {theirs:,.0f} records/s; {taken.b.text()} against {taken.a.text()}, parsedmarc {rival}"
    return Figure(taken.ratio, raw)


def _jobs(plan: Plan) -> Figure:
    taken = pairs(lambda: _ingest(plan.some, 1).wall, lambda: _ingest(plan.some, 2).wall, plan.slow_turns)
    return Figure(taken.ratio, f"{SETS[plan.some].count:,} reports: {taken.a.text()}, with two {taken.b.text()}")


def _memory_store(name: str) -> Path:
    return STORES / f"memory-{name}"


@functools.cache
def _peak(name: str) -> float:
    return _ingest(name, store=_memory_store(name).name).peak / MIB


def _memory(choose: Callable[[Plan], str]) -> Callable[[Plan], Figure]:
    def measure(plan: Plan) -> Figure:
        made = SETS[choose(plan)]
        return Figure(_peak(made.name), f"{made.count:,} × {made.records:,} records, --jobs 1, whole process")

    return measure


def _memory_growth(plan: Plan) -> Figure:
    few, many = _peak(plan.some), _peak(plan.many)
    return Figure(many / few, f"{many:.0f} against {few:.0f} MiB")


@functools.cache
def _big_store(shape: str) -> Figures:
    return run_task("benchmarks.big_store:prepare", shape)


@functools.cache
def _answers(shape: str) -> Figures:
    _big_store(shape)
    return _task("queries", shape)


def _query(name: str) -> Callable[[Plan], Figure]:
    def measure(plan: Plan) -> Figure:
        answers = _answers(plan.table)
        low, high, lines = (answers[f"{name} {part}"] for part in ("low", "high", "lines"))
        return Figure(answers[name], f"median of 7, warm ({low:.3f}–{high:.3f}), {lines:.0f} lines")

    return measure


@functools.cache
def _senders(shape: str) -> Figures:
    _big_store(shape)
    return _task("senders", shape)


def _senders_week(plan: Plan) -> Figure:
    found = _senders(plan.table)
    raw = f"median of 7, warm ({found['week low']:.3f}–{found['week high']:.3f}); the first time {found['week first']:.2f} s"
    return Figure(found["week"], raw)


def _senders_month(plan: Plan) -> Figure:
    found = _senders(plan.table)
    warm = f"{found['month']:.2f} ({found['month low']:.2f}–{found['month high']:.2f})"
    return Figure(found["month first"], f"the first time, all verdicts made anew; again {warm} s; peak {found['peak']:.0f} MiB")


@functools.cache
def _summaries(shape: str, turns: int) -> tuple[Run, ...]:
    """Runs of the command that writes the page of the largest domain and a week, by wall time."""
    _big_store(shape)
    words = ("summary", "amber-000.example", "--week", "2026-W20", "--html", DATA / "summary.html", "--store", DATA / f"table-{shape}")
    return tuple(sorted((_dmarcscope(*words) for _ in range(turns)), key=lambda run: run.wall))


def _summary_time(plan: Plan) -> Figure:
    runs = _summaries(plan.table, plan.slow_turns)
    middle = runs[len(runs) // 2]
    raw = f"whole process with the page written, median of {len(runs)} ({runs[0].wall:.2f}–{runs[-1].wall:.2f}); {middle.cpu:.2f} s CPU"
    return Figure(middle.wall, raw)


def _summary_memory(plan: Plan) -> Figure:
    return Figure(max(run.peak for run in _summaries(plan.table, plan.slow_turns)) / MIB, "the same runs, the largest of them")


def _bytes_made(plan: Plan) -> Figure:
    made = _big_store(plan.table)
    raw = f"{made['bytes'] / MIB:.1f} MiB in {made['files']:.0f} files for {made['rows']:,.0f} records"
    return Figure(made["bytes"] / made["rows"], raw)


def _bytes_ingested(plan: Plan) -> Figure:
    _peak(plan.many)  # leaves its store
    made = SETS[plan.many]
    files = [path for path in (_memory_store(made.name) / "records").rglob("*") if path.is_file()]
    size, rows = sum(path.stat().st_size for path in files), made.count * made.records
    return Figure(size / rows, f"{size / MIB:.1f} MiB in {len(files)} files for {rows:,} records, old versions and log included")


def _mails(plan: Plan) -> Figure:
    run = _ingest("mails", store="mails")
    return Figure(run.wall, f"{SETS['mails'].count} mails in five containers, every record stored, whole process")


def _mailbox(plan: Plan) -> Figure:
    from benchmarks.mailbox import serving  # loads the test server's library, which most lines do not need

    made = SETS[plan.some]
    count = min(MAILS, made.count)
    with serving(prepared(plan.some), count) as server:
        where = (str(server.tls_port), server.ca_file)

        def ours() -> float:
            figures = run_task("benchmarks.mailbox:take_mail", *where, _fresh("mailbox"), prepared("mails") / "00.eml")
            if figures["mails"] != count:
                raise ProgramError(f"{figures['mails']:.0f} of {count} mails were stored")
            return figures["wall"]

        taken = pairs(ours, lambda: run_task("benchmarks.mailbox:bare_fetch", *where)["wall"], plan.slow_turns)
    return Figure(
        taken.ratio, f"{count:,} mails of {made.records} records: {taken.a.text()}, bare loop {taken.b.text()}, wall after imports"
    )


def _resolving(turns: int) -> Figures:
    return run_task("benchmarks.resolving:figures", str(turns))


_resolving_once = functools.cache(_resolving)


def _dns(plan: Plan) -> Figure:
    found = _resolving_once(plan.slow_turns)
    raw = f"{found['questions']:,.0f} PTR and TXT questions: {found['ours']:.2f} s, bare dnspython asyncio loop {found['bare']:.2f} s"
    return Figure(found["ours"] / found["bare"], raw)


def _dns_again(plan: Plan) -> Figure:
    found = _resolving_once(plan.slow_turns)
    return Figure(found["ours"] / found["remembered"], f"{found['ours']:.2f} s, from the cache {found['remembered']:.3f} s")


def _spf(plan: Plan) -> Figure:
    try:
        found = run_task("benchmarks.spf:figures", str(plan.slow_turns))
    except ProgramError as failed:
        return Figure(None, f"pyspf could not be measured: {failed}"[-200:])
    raw = f"{found['ours']:,.0f} against {found['pyspf']:,.0f} evaluations/s, {found['forgetful']:,.0f} without memory of parsed records"
    return Figure(found["ours"] / found["pyspf"], f"{raw}; {found['differing']:.0f} results differ")


@functools.cache
def _classes() -> Figures:
    """The shares on the labelled world that nobody has tuned with."""
    return run_task("benchmarks.labelled.judging:figures", "held-out")


def _class(name: str) -> Callable[[Plan], Figure]:
    def measure(plan: Plan) -> Figure:
        found = _classes()
        shares = {what: 100 * found.get(f"{name} {what}", 0.0) for what in ("precision, records", "recall, messages", "recall, records")}
        naive = [100 * found.get(f"{name} naive {what}, messages", 0.0) for what in ("precision", "recall")]
        told = ", ".join(f"{what} {value:.1f} %" for what, value in shares.items())
        return Figure(
            found.get(f"{name} precision, messages"), f"{told}; the rule used elsewhere {naive[0]:.1f} %, recall {naive[1]:.1f} %"
        )

    return measure


def _kept_apart(plan: Plan) -> Figure:
    found = _classes()
    raw = (
        f"{found['unauthorised called yours']:,.0f} of {found['unauthorised']:,.0f} messages were; "
        f"beside these {found['hard called yours']:,.0f} of {found['hard']:,.0f} through accounts at services, which no report tells apart"
    )
    return Figure(1 - found["unauthorised called yours"] / found["unauthorised"], raw)


def _named(plan: Plan) -> Figure:
    found = _classes()
    raw = f"{found['named, of what can be']:.1%} of what has a name, {found['rightly, of these']:.1%} of these rightly"
    return Figure(found["named"], f"{raw}; {found['messages']:,.0f} messages, {found['records']:,.0f} records")


def _version(plan: Plan) -> Figure:
    taken = pairs(
        lambda: _dmarcscope("--version").wall,
        lambda: run_program([sys.executable, "-c", "pass"]).wall,
        plan.short_turns,
    )
    raw = f"{taken.a.text('ms', 1000, 1)} against {taken.b.text('ms', 1000, 1)}"
    return Figure(taken.ratio, raw)


LINES = (
    Line("parse", "parse: bytes → table columns, CPU against a bare lxml parse", 2.0, "×", _parse),
    Line("ingest", "ingest into a durable store, CPU after imports, against the same", 4.0, "×", _ingest_cpu),
    Line("ingest-whole", "the same, CPU of the whole process with start and imports", None, "×", _ingest_whole),
    Line("parsedmarc", "records a second against parsedmarc --offline, whole runs", 20, "×", _against_parsedmarc, True),
    Line("jobs", "--jobs 2 against --jobs 1", 1.6, "×", _jobs, True),
    Line("memory-large", "peak memory, one report of 100,000 records", 300, " MiB", _memory(lambda _: "large"), digits=0),
    Line("memory-many", "peak memory, many reports in one run", 300, " MiB", _memory(lambda p: p.many), digits=0),
    Line("memory-growth", "the same against a run of a fifth of them", None, "×", _memory_growth),
    Line("week", "week of one domain by source", 0.1, " s", _query("week"), digits=3),
    Line("trend", "90-day trend of one domain", 0.1, " s", _query("trend"), digits=3),
    Line("worst", "worst 50 sources of all domains", 1, " s", _query("worst"), digits=3),
    Line("senders-week", "senders of one domain in a week", 0.3, " s", _senders_week, digits=3),
    Line("senders-month", "senders of all domains in 30 days", 3, " s", _senders_month),
    Line("summary", "summary --html of one domain and a week", 3, " s", _summary_time),
    Line("summary-memory", "its peak memory", 400, " MiB", _summary_memory, digits=0),
    Line("version", "dmarcscope --version against python -c pass", 8, "×", _version),
    Line("bytes", "bytes on disk per record, table only, the large store", 20, "", _bytes_made, digits=1),
    Line("bytes-ingested", "the same, a store as ingest leaves it", 20, "", _bytes_ingested, digits=1),
    Line("mailbox", "take 5,000 mails from Dovecot into a store, wall against a loop that only fetches", 1.5, "×", _mailbox),
    Line("dns", "20,000 questions to a name server on loopback, wall against a bare loop", 1.2, "×", _dns),
    Line("dns-again", "the same again, from the cache: how many times faster", 20, "×", _dns_again, True, digits=0),
    Line("spf", "SPF evaluations a second against pyspf on the same zones", 1, "×", _spf, True),
    Line("classes", "labelled world, seed held out: precision of «yours», by messages", 0.98, "", _class("yours"), True, digits=4),
    Line("classes-unauthorised", "the same of «unauthorised»", 0.98, "", _class("unauthorised"), True, digits=4),
    Line("classes-forwarded", "the same of «forwarded»", 0.95, "", _class("forwarded"), True, digits=4),
    Line("classes-lists", "the same of «mailing list»", None, "", _class("mailing-list"), True, digits=4),
    Line("classes-apart", "share of unauthorised messages not called yours", 1, "", _kept_apart, True, digits=4),
    Line("classes-named", "share of messages whose sender is named", None, "", _named, True, digits=4),
    Line("mails", "ingest of 20 mixed mails", None, " s", _mails),
)
