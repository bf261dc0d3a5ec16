"""The page about the Python API names all of it, and its code runs as it stands."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import dmarcscope
from dmarcscope.model.summary import Summary

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "python.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where a reader would be; the first block fills the store that the others read."""
    made = tmp_path_factory.mktemp("python")
    (made / "sample_reports").symlink_to(ROOT / "sample_reports")
    with dmarcscope.open_store(made / "dmarcscope-store") as store:
        store.ingest([ROOT / "sample_reports" / "reports"])
    return made


@pytest.mark.parametrize("code", BLOCKS, ids=range(len(BLOCKS)))
def test_the_code_runs(code, folder):
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_every_public_name_is_told():
    """A method as a call, a name of the package in code."""
    names = {name for name in dmarcscope.__all__ if not name.startswith("_")}
    told = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`]+`", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)))))
    assert names - told == set()
    methods = {name for name in dir(dmarcscope.Store) if not name.startswith("_")}
    assert {name for name in methods if f"`{name}" not in PAGE and f"{name}()`" not in PAGE} == set()


def test_charts_are_those_of_the_page(folder):
    from dmarcscope.present.figures import charts

    assert dmarcscope.charts is charts
    with dmarcscope.open_store(folder / "dmarcscope-store") as store:
        found = store.summary("example.com", week="2026-W21")
        assert [one.domain for one in found.summaries] == ["example.com"]
        assert isinstance(found.summaries[0], Summary)
        assert found.period.week == "2026-W21"
        assert [one.domain for one in store.summary(since="2026-W21", until="2026-W21").summaries] == ["example.com"]
