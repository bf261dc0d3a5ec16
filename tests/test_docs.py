"""The documents are true: generated parts are current, links lead somewhere, and what they tell to type exists."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "sample_reports" / "README.md",
    ROOT / "notebooks" / "README.md",
]
WALKED = {"mailbox.md"}  # its commands need a mailbox: tests/docs walks it against a real one
FENCE = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)\)")


def load_generator():
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def commands_in(page: Path) -> list[list[str]]:
    """Every dmarcscope command that a page tells to type, as words."""
    found = []
    for language, block in FENCE.findall(page.read_text()):
        if language not in {"sh", "console"}:
            continue
        for line in block.splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words and Path(words[0]).name == "dmarcscope":
                found.append(words[1:])
    return found


COMMANDS = [
    pytest.param(words, id=f"{page.name}: {' '.join(words)}") for page in PAGES if page.name not in WALKED for words in commands_in(page)
]


def test_generated_pages_are_current():
    code = "import sys; sys.path.insert(0, 'docs'); import generate, json; print(json.dumps(generate.pages()))"
    import json

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    for name, text in json.loads(done.stdout).items():
        assert (ROOT / "docs" / name).read_text() == text, f"docs/{name} is out of date: run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in LINK.findall(page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.fixture(scope="module")
def sample_store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs")
    store = folder / "dmarcscope-store"
    words = ["ingest", str(ROOT / "sample_reports" / "reports"), "--store", str(store)]
    assert subprocess.run([sys.executable, "-m", "dmarcscope", *words], cwd=folder, capture_output=True, check=False).returncode == 1
    (folder / "reports").symlink_to(ROOT / "sample_reports" / "reports")
    return folder


@pytest.mark.parametrize("words", COMMANDS)
def test_commands_in_the_documents_run(words, sample_store):
    """As they stand there, on the sample reports (which hold one unreadable file: exit code 1)."""
    typed = [word.replace("~", str(sample_store)) for word in words]
    done = subprocess.run(
        [sys.executable, "-m", "dmarcscope", *typed],
        cwd=sample_store,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HOME": str(sample_store)},
    )
    assert done.returncode in {0, 1}, done.stderr
    assert done.stdout or "No messages are reported" in done.stderr  # the sample's weeks are past
    assert not done.stderr.startswith("dmarcscope:")


def test_python_in_the_readme_runs(tmp_path):
    blocks = [block for language, block in FENCE.findall((ROOT / "README.md").read_text()) if language == "python"]
    assert blocks
    (tmp_path / "sample_reports").symlink_to(ROOT / "sample_reports")
    for block in blocks:
        done = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "billwell.example" in done.stdout


def test_every_dependency_has_its_reason():
    text = (ROOT / "pyproject.toml").read_text()
    block = text[text.index("dependencies = [") : text.index("[project.scripts]")]
    for line in block.splitlines():
        if line.strip().startswith('"') and "dmarcscope[" not in line:
            assert "#" in line, f"no reason given: {line.strip()}"


def test_every_command_and_error_is_documented():
    from dmarcscope.cli.app import app

    named = {command.name or command.callback.__name__ for command in app.registered_commands}
    for group in app.registered_groups:
        named |= {f"{group.name} {command.name or command.callback.__name__}" for command in group.typer_instance.registered_commands}
    assert named == set(load_generator().COMMANDS)
    first_steps = (ROOT / "docs" / "first-steps.md").read_text()
    for state in ("stored", "duplicate", "superseded", "sidelined", "ignored"):
        assert f"| {state} |" in first_steps
