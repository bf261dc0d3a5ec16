"""The layers of the house: a file imports from lower ranks or its own folder, and nothing goes in a circle."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "dmarcscope"

# Lowest first. A file may import what stands before it, and its own folder.
RANKS = (
    {"errors"},
    {"model"},
    {"parse", "align", "tables"},
    {"intake", "lookup", "analysis"},
    {"present", "store", "enrich", "outgoing"},
    {"ops"},
    {"config"},
    {"wiring"},
    {"filters"},
    {"judging", "connecting"},
    {"api"},
    {"cli", "web", "__init__"},
    {"__main__"},
)
RANK = {name: rank for rank, names in enumerate(RANKS) for name in names}

# What pure files must not import: they neither read nor write anything, and know no time and no chance.
PURE = {"errors", "model", "parse", "align", "tables", "analysis", "present"}
IMPURE_MODULES = {"os", "sys", "time", "random", "logging", "subprocess", "pathlib", "sqlite3", "urllib", "http", "asyncio", "threading"}
# parse uses socket.inet_pton, which opens nothing.

FILES = sorted(ROOT.rglob("*.py"))


def part(path: Path) -> str:
    """The folder or top-level module that a file belongs to."""
    inside = path.relative_to(ROOT)
    return inside.parts[0].removesuffix(".py")


def module(path: Path) -> str:
    """The dotted name of a file."""
    return ".".join(("dmarcscope", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")


def imports(path: Path) -> set[str]:
    """Every module that a file imports, at its top or in a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


@pytest.mark.parametrize("path", FILES, ids=module)
def test_imports_go_down(path: Path) -> None:
    for name in imports(path):
        if name.startswith("dmarcscope."):
            target = name.split(".")[1]
            if target == part(path) or target not in RANK:
                continue
            assert RANK[target] < RANK[part(path)], f"{module(path)} imports {name}, which is not below it"


@pytest.mark.parametrize("path", [path for path in FILES if part(path) in PURE], ids=module)
def test_pure_files_touch_nothing(path: Path) -> None:
    touched = {name.split(".")[0] for name in imports(path)} & IMPURE_MODULES
    assert not touched, f"{module(path)} is of a pure layer and imports {touched}"


def test_no_circles() -> None:
    known = {module(path): path for path in FILES}
    edges = {name: {target for target in imports(path) if target in known and target != name} for name, path in known.items()}
    edges["dmarcscope"] = set()  # loads what it names only when it is asked for
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " → ".join((*way, name))
        if name not in done:
            for target in edges[name]:
                visit(target, (*way, name))
            done.add(name)

    for name in edges:
        visit(name, ())


def test_every_file_has_its_rank() -> None:
    assert {part(path) for path in FILES} <= RANK.keys()


def test_public_names_have_docstrings() -> None:
    """What others call is explained where it stands."""
    missing = []
    for path in FILES:
        tree = ast.parse(path.read_text())
        if not ast.get_docstring(tree):
            missing.append(module(path))
        classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and not node.name.startswith("_"))
        missing += [f"{module(path)}.{node.name}" for node in classes if not ast.get_docstring(node)]
    assert not missing
