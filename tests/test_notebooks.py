"""The notebooks run as they stand, offline, say what is true of the sample reports, and carry nobody's output."""

import ast
import asyncio
import importlib.util
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.io.formats.style import Styler
from plotly.graph_objects import Figure

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "notebooks"
BOOKS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.ipynb"))}
TRUTH = json.loads((ROOT / "sample_reports" / "truth.json").read_text())
IMPORTED = {"dmarcscope", "pandas", "plotly", "pathlib", "tempfile"}
"""What a notebook may import: it shows the public API, not what is beneath."""
PLACES = [*((name, FOLDER) for name in BOOKS), ("01-first-look", ROOT)]


def code_of(name: str) -> list[str]:
    """The code of each cell that has some."""
    return ["".join(cell["source"]) for cell in BOOKS[name]["cells"] if cell["cell_type"] == "code"]


def shown(value: Any) -> str:
    """What a notebook would show of a value."""
    if isinstance(value, Figure):
        return value.to_json()
    if isinstance(value, pd.DataFrame | pd.Series | Styler):
        return value.to_frame().to_html() if isinstance(value, pd.Series) else value.to_html()
    return repr(value)


async def run(name: str) -> tuple[dict[str, Any], list[Any]]:
    """Run the cells in their order, as a notebook does: within a running event loop, and the value of a last line is shown.

    Returns the names, and the values that were shown.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    values = []
    for number, source in enumerate(code_of(name), 1):
        tree = ast.parse(source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, f"{name}, code cell {number}", "exec"), names)  # noqa: S102 (our own notebooks)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), f"{name}, code cell {number}", "eval"), names)  # noqa: S307
            if value is not None:
                assert shown(value)
                values.append(value)
    return names, values


def refused(*_: object) -> None:
    """Stands for the network."""
    raise AssertionError("a notebook asks the network")


@pytest.mark.parametrize(("name", "place"), PLACES, ids=lambda part: part if isinstance(part, str) else part.name)
def test_it_runs_offline(name, place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    monkeypatch.setattr(socket.socket, "connect", refused)
    names, values = asyncio.run(run(name))
    assert names["outcome"].messages == TRUTH["totals"]["messages"]
    assert any(isinstance(value, Figure) for value in values), "there is something to look at"
    assert not Path(names["folder"].name).exists(), "it leaves nothing behind"
    told = TOLD[name]
    text = capsys.readouterr().out + "".join(map(shown, values))
    assert [word for word in told if word not in text] == []


KERNEL = """
import sys, nbformat
from nbclient import NotebookClient
book = nbformat.read(sys.argv[1], 4)
nbformat.validate(book)
NotebookClient(book, timeout=300, kernel_name="python3", resources={"metadata": {"path": sys.argv[2]}}).execute()
outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
print(*sorted({kind for output in outputs for kind in output.get("data", {})}))
print(*(output["text"] for output in outputs if output.get("name") == "stderr"))
"""
"""Runs a notebook in a real kernel; tells what kinds of things it shows, and what it warns of."""


@pytest.mark.parametrize("name", BOOKS)
def test_it_runs_in_a_real_kernel(name):
    """Where a loop runs already, and where packages know that they are in a notebook."""
    for needed in ("nbclient", "ipykernel"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed")
    words = [sys.executable, "-c", KERNEL, str(FOLDER / f"{name}.ipynb"), str(FOLDER)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    kinds, _, warnings = done.stdout.partition("\n")
    assert {"application/vnd.plotly.v1+json", "text/html"} <= set(kinds.split())
    assert not warnings.strip()


TOLD = {
    "01-first-look": ("damaged", "Yes, act now", "unauthorised", "let Billwell sign", "v=spf1 include:_spf.deskpilot.example mx ~all"),
    "02-who-sends-and-why-it-fails": (
        "deskpilot.example",
        "your own list of senders",
        "billwell.example",
        "_domainkey.example.com",
        "payroll",
    ),
    "03-readiness-and-what-if": ("not-yet", "closed", "p=reject; t=y", "messages a week (", "lb1._domainkey.example.com"),
    "04-your-own-questions": ("classified", "who sends: a service", "198.51.100.34", "2026a", "Accounts"),
}
"""Words that the story of the sample reports must bring up."""


def test_all_are_spoken_for():
    assert TOLD.keys() == BOOKS.keys()
    readme = (FOLDER / "README.md").read_text()
    assert all(f"]({name}.ipynb)" in readme for name in BOOKS)


@pytest.mark.parametrize("name", BOOKS)
def test_outputs_are_stripped(name):
    book = BOOKS[name]
    assert (book["nbformat"], book["nbformat_minor"]) >= (4, 5)
    assert set(book["metadata"]) <= {"kernelspec", "language_info"}
    for cell in book["cells"]:
        assert not cell.get("outputs"), "outputs hold data"
        assert cell.get("execution_count") is None
        assert cell["metadata"] == {}
    ids = [cell["id"] for cell in book["cells"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", BOOKS)
def test_it_is_short_and_begins_with_what_it_answers(name):
    cells = BOOKS[name]["cells"]
    assert 10 <= len(cells) <= 14
    assert cells[0]["cell_type"] == "markdown"
    assert cells[0]["source"][0].startswith("# ")


@pytest.mark.parametrize("name", BOOKS)
def test_it_imports_the_public_api_alone(name):
    for source in code_of(name):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            else:
                continue
            for module in modules:
                assert module.split(".")[0] in IMPORTED
                assert not module.startswith("dmarcscope."), "what is beneath is no public name"
        assert not any(isinstance(node, ast.Attribute) and node.attr.startswith("_") for node in ast.walk(ast.parse(source)))


@pytest.mark.parametrize("name", BOOKS)
def test_links_lead_somewhere(name):
    text = "".join("".join(cell["source"]) for cell in BOOKS[name]["cells"] if cell["cell_type"] == "markdown")
    for part in text.split("](")[1:]:
        assert (FOLDER / part.split(")")[0]).exists()


def test_they_are_formatted():
    args = [ROOT / ".venv" / "bin" / "ruff", "format", "--check", "--config", "extend-exclude = []", "notebooks"]
    if not args[0].exists():
        pytest.skip("ruff is elsewhere")
    done = subprocess.run(args, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
