"""Whatever moment an ingest is killed at, the next one makes good: nothing is lost and nothing counts twice."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from threading import Timer

import pytest
from storeworld import Facts, facts, write_world

DRIVER = Path(__file__).with_name("driver.py")
KILLS = 42
REPORTS = 130
KILLED = (-signal.SIGKILL, 137)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "in"
    write_world(folder, REPORTS)
    return folder


@pytest.fixture(scope="module")
def clean(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Facts:
    root = tmp_path_factory.mktemp("clean") / "store"
    assert drive(root, world).returncode == 0
    found = facts(root)
    assert all(found.totals[state] for state in ("stored", "duplicate", "superseded", "sidelined", "ignored")), "the world has all sorts"
    return found


def command(root: Path, world: Path, *more: str, jobs: int = 1) -> list[str]:
    return [sys.executable, str(DRIVER), str(root), str(world), str(jobs), *more]


def drive(root: Path, world: Path, *more: str, jobs: int = 1) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command(root, world, *more, jobs=jobs), capture_output=True, timeout=120, check=False)


POINTS = [
    ("put:before", 3),  # nothing of the chunk is there
    ("put:after", 1),  # durable, and the ledger knows nothing
    ("put:after", 5),
    ("receive:after", 1),  # the ledger knows, and the files are not in their place
    ("receive:after", 6),
    ("settle:before", 2),
    ("settle:after", 4),  # received, not read
    ("begin_batch:before", 2),
    ("begin_batch:after", 1),  # pending, not in the table
    ("begin_batch:after", 3),
    ("append:before", 1),
    ("append:after", 1),  # in the table, and the ledger does not know
    ("append:after", 2),
    ("replace:before", 1),
    ("replace:after", 1),  # the same where earlier lines go out
    ("replace:after", 2),
    ("finish_batch:before", 1),
    ("finish_batch:after", 2),
    ("finish:before", 1),  # duplicates have not been told
    ("finish:after", 1),
    ("compact:before", 3),
    ("compact:after", 1),
]


@pytest.mark.parametrize(("point", "count"), POINTS)
def test_a_run_that_dies_at_a_step_is_made_good(point: str, count: int, world: Path, clean: Facts, tmp_path: Path) -> None:
    first = drive(tmp_path / "store", world, point, str(count))
    assert first.returncode == 137, f"the run never came to {point}: {first.stderr.decode()}"
    second = drive(tmp_path / "store", world)
    assert second.returncode == 0, second.stderr.decode()
    assert facts(tmp_path / "store") == clean


def test_dying_again_and_again_at_the_same_steps_is_made_good(world: Path, clean: Facts, tmp_path: Path) -> None:
    deaths = [drive(tmp_path / "store", world, point, "1").returncode for point, _ in POINTS] + [
        drive(tmp_path / "store", world, "recover:after", "1").returncode
    ]
    assert deaths.count(137) > len(POINTS) // 2, "most of the runs died on their way"
    assert drive(tmp_path / "store", world).returncode == 0
    assert facts(tmp_path / "store") == clean


def steps_and_length(root: Path, world: Path) -> tuple[float, float]:
    """Seconds until the first step of a run, and until its end."""
    start = time.monotonic()
    with subprocess.Popen(command(root, world), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        first = time.monotonic() - start
        process.stdout.read()
        assert process.wait() == 0
    return first, time.monotonic() - start


def kill_at_time(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()


def kill_near_step(process: subprocess.Popen[bytes], step: str, times: int, pause: float) -> None:
    """Kill the process a moment after it has told of a step for that many times."""
    assert process.stdout is not None
    for line in process.stdout:
        times -= line.decode().strip() == step
        if times == 0:
            time.sleep(pause)
            process.kill()
            return


def last_step(heard: bytes) -> str:
    lines = heard.decode().split()
    return lines[-1] if lines else "start"


@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_at_random_moments(jobs: int, world: Path, clean: Facts, tmp_path: Path) -> None:
    rng = random.Random(jobs)
    wanted = KILLS if jobs == 1 else KILLS // 4
    first, length = steps_and_length(tmp_path / "measured", world)
    near = ["put:before", "receive:before", "settle:before", "begin_batch:before", "append:before", "replace:before", "finish_batch:before"]
    kills, rounds, steps = 0, 0, Counter[str]()
    while kills < wanted:
        root = tmp_path / f"round-{rounds}"
        rounds += 1
        for turn in range(200):
            began = time.monotonic()
            with subprocess.Popen(command(root, world, jobs=jobs), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                if (turn + rounds) % 2 and kills < wanted:
                    kill_near_step(process, near[kills % len(near)], 1 + rng.randrange(3), rng.random() * 0.01)
                elif kills < wanted:
                    kill_at_time(process, first * 0.9 + rng.random() * (length - first))
                heard, complaint = process.communicate(timeout=120)
            if process.returncode == 0:
                # The machine is faster than it was when the first run was measured: later kills come sooner.
                pace = min(1.0, (time.monotonic() - began) / length)
                first, length = first * pace, length * pace
                break
            assert process.returncode == -signal.SIGKILL, complaint.decode()
            kills += 1
            steps[last_step(heard)] += 1
        else:
            pytest.fail("the runs never came to an end")
        # A kill within a chunk may keep a later file and not an earlier one: then another of two equal reports counts as the copy.
        found = facts(root)
        assert replace(found, states=clean.states) == clean, f"round {rounds}, {kills} kills, {dict(steps)}"
    assert len(steps) > 3, f"the kills were spread over the steps: {dict(steps)}"


def test_workers_end_when_their_run_is_killed(world: Path, tmp_path: Path) -> None:
    with subprocess.Popen(command(tmp_path / "store", world, jobs=2), stdout=subprocess.PIPE, start_new_session=True) as process:
        kill_near_step(process, "append:before", 1, 0)
        process.wait()
        killer = Timer(20, os.killpg, (process.pid, signal.SIGKILL))  # the run's own group, and nobody else
        killer.start()
        began = time.monotonic()
        assert process.stdout is not None
        process.stdout.read()  # ends when nobody holds the other end any more: neither the run nor its workers
        killer.cancel()
    assert time.monotonic() - began < 15, "workers outlive the run that started them"
