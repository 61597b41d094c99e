"""The house keeps its shape: rooms, the direction of imports, what loads torch, sizes and docstrings.

Every rule is a function of a tree of files, so that a broken tree can show that the rule sees it.
"""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOUSES = ("methods", "datasets", "benchmarks")
ALGORITHMS = ("bounds", "feature_alignment", "pixelda", "refiner_gan")

MAY_IMPORT: dict[str, set[str]] = {
    "bench": {"commands"},
    "commands": {"engines", "report", "figures", "tables", "profiling", "studies", "records", "evaluation", "running"},
    "speed": {"profiling", "engines", "running", "tables", "methods.algorithms"},
    "probes": {"running", "tables", "methods.algorithms"},
    "report": {"figures", "tables"},
    "profiling": {"running", "figures", "tables"},
    "figures": {"tables"},
    "engines": {"running", "studies", "records"},
    "tables": {"studies", "records", "statistics", "scores.catalogue"},
    "running": {"evaluation", "studies", "records"},
    "evaluation": {"scores", "records", "methods", "methods.parts", "datasets.pairs", "datasets.own"},
    "studies": {"records", "scores.catalogue", "methods", "datasets.own"},
    "scores": {"scores.catalogue", "statistics", "datasets"},
    "scores.catalogue": {"datasets.tasks"},
    "records": {"mistakes"},
    "statistics": {"mistakes"},
    "methods.algorithms": {"methods", "methods.parts", "methods.networks"},
    "methods.parts": {"methods"},
    "methods.networks": {"methods"},
    "methods": {"mistakes"},
    "datasets.own": {"datasets"},
    "datasets.pairs": {"datasets", "datasets.sets"},
    "datasets.sets": {"datasets"},
    "datasets": {"datasets.tasks", "datasets.files"},
    "datasets.tasks": {"mistakes"},
    "datasets.files": {"mistakes"},
    "mistakes": set(),
}  # fmt: skip
"""Every room with the rooms below it that its modules may import; what those may import, it may import too."""

NO_TORCH = ("statistics", "records", "studies", "tables", "figures", "report", "commands", "scores.catalogue")
NO_TORCH_EITHER = ("bench", "mistakes", "methods.recipes", "datasets.catalogue", "benchmarks.speed.gate")
TORCH = {"torch", "torchvision", "torchmetrics", "timm"}


@cache
def modules(root: Path) -> dict[str, ast.Module]:
    """Return the tree of every module below ``root`` by its name."""
    paths = [path for house in HOUSES for path in sorted((root / house).rglob("*.py"))]
    paths += [path for name in ("bench.py", "mistakes.py") if (path := root / name).exists()]
    return {name_of(path, root): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def name_of(path: Path, root: Path = ROOT) -> str:
    """Return the name by which a file is imported."""
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def room_of(module: str) -> str:
    """Return the room that a module lives in; a module straight below ``benchmarks`` has a room of its own name."""
    house, *inside = module.split(".")
    if house == "benchmarks":
        return (
            "scores.catalogue" if inside == ["scores", "catalogue"] else ".".join(inside[:1]) or "benchmarks"
        )
    if house == "methods" and inside and inside[0] in ALGORITHMS:
        return "methods.algorithms"
    return ".".join([house, *inside[:-1]])


def imports(tree: ast.AST, known: dict[str, ast.Module]) -> Iterator[str]:
    """Yield the name of every module that is imported anywhere inside."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known else str(node.module)


def arrows(root: Path) -> Iterator[tuple[str, str]]:
    """Yield every module with every module of this project that it imports, late imports too."""
    known = modules(root)
    for name, tree in known.items():
        yield from ((name, other) for other in imports(tree, known) if other in known)


def below(room: str) -> set[str]:
    """Return the rooms that a room may import."""
    nearest = MAY_IMPORT[room]
    return nearest.union(*map(below, nearest)) | {"mistakes"}


def loose_files(root: Path) -> list[str]:
    return [path.name for path in (root / "benchmarks").glob("*.py") if path.name != "__init__.py"]


def wrong_arrows(root: Path) -> list[str]:
    """Return "MODULE imports MODULE" for every import that leads where its room may not look."""
    found = []
    for name, other in arrows(root):
        mine, theirs = room_of(name), room_of(other)
        if mine != theirs and (mine not in MAY_IMPORT or theirs not in below(mine)):
            found.append(f"{name} imports {other}")
    return found


def two_way_rooms(root: Path) -> list[tuple[str, str]]:
    """Return the pairs of rooms that import each other."""
    ways = {(room_of(name), room_of(other)) for name, other in arrows(root)}
    return sorted((one, two) for one, two in ways if one < two and (two, one) in ways)


def at_import(tree: ast.Module) -> ast.Module:
    """Return what runs when a module is imported, without the insides of functions and what only types need."""
    kept = [
        node
        for node in tree.body
        if not isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
    ]
    return ast.Module(body=kept, type_ignores=[])


def loads_torch(root: Path, room: str) -> list[str]:
    """Return the modules of a room, or the one of that name, that load torch when they are imported."""
    known = modules(root)

    def loads(name: str, seen: frozenset[str]) -> bool:
        for other in imports(at_import(known[name]), known):
            if other.split(".")[0] in TORCH or other == "safetensors.torch":
                return True
            if other in known and other not in seen and loads(other, seen | {other}):
                return True
        return False

    return [name for name in known if room in (room_of(name), name) and loads(name, frozenset({name}))]


# ---- the house as it stands


def test_no_file_lies_loose() -> None:
    assert not loose_files(ROOT)


def test_imports_lead_down() -> None:
    assert not wrong_arrows(ROOT)


def test_no_two_rooms_import_each_other() -> None:
    assert not two_way_rooms(ROOT)


@pytest.mark.parametrize("room", [*NO_TORCH, *NO_TORCH_EITHER])
def test_rooms_without_torch_load_none(room: str) -> None:
    assert not loads_torch(ROOT, room)
    names = [name for name in modules(ROOT) if room in (room_of(name), name)]
    assert names
    code = f"import sys, {', '.join(names)}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_every_room_is_in_the_plan_and_says_what_lives_in_it() -> None:
    for name in modules(ROOT):
        assert room_of(name) in {*MAY_IMPORT, "benchmarks"}, name
    for path in [path for house in HOUSES for path in (ROOT / house).rglob("__init__.py")]:
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


@pytest.mark.parametrize("room", [room for room in MAY_IMPORT if room not in ("bench", "mistakes")])
def test_a_room_names_the_rooms_that_it_may_import(room: str) -> None:
    house = "" if room.split(".")[0] in HOUSES else "benchmarks."
    known = modules(ROOT)
    owner = room.rpartition(".")[0] if room in ("scores.catalogue", "methods.algorithms") else room
    said = ast.get_docstring(known[house + owner]) or ""
    assert not [other for other in MAY_IMPORT[room] if f"``{other}``" not in said and other != owner]


# ---- every rule sees what it forbids


def house(root: Path, **files: str) -> Path:
    """Write modules, named with ``__`` for dots, below ``root`` and return it."""
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_a_loose_file_is_seen(tmp_path: Path) -> None:
    assert loose_files(house(tmp_path, benchmarks__harness="")) == ["harness.py"]


@pytest.mark.parametrize("late", [False, True])
def test_an_arrow_back_up_is_seen(late: bool, tmp_path: Path) -> None:
    line = (
        "def f():\n    from benchmarks.running import run" if late else "from benchmarks.running import run"
    )
    root = house(tmp_path, benchmarks__tables__grids=line, benchmarks__running__run="")
    assert wrong_arrows(root) == ["benchmarks.tables.grids imports benchmarks.running.run"]


@pytest.mark.parametrize("line", ["from datasets.contract import DomainPair", "import datasets.contract"])
def test_a_method_that_knows_data_is_seen(line: str, tmp_path: Path) -> None:
    root = house(tmp_path, methods__pixelda=line, datasets__contract="DomainPair = 0")
    assert wrong_arrows(root) == ["methods.pixelda imports datasets.contract"]


def test_two_rooms_that_import_each_other_are_seen(tmp_path: Path) -> None:
    files = {
        "benchmarks__figures__marks": "import benchmarks.tables.grids",
        "benchmarks__tables__grids": "",
        "benchmarks__tables__table": "def f():\n    import benchmarks.figures.marks",
    }
    assert two_way_rooms(house(tmp_path, **files)) == [("figures", "tables")]


@pytest.mark.parametrize("line", ["import torch", "from torch import Tensor", "import methods.contract"])
def test_torch_in_a_room_without_is_seen(line: str, tmp_path: Path) -> None:
    root = house(tmp_path, benchmarks__tables__grids=line, methods__contract="import torch")
    assert loads_torch(root, "tables") == ["benchmarks.tables.grids"]


def test_torch_in_a_function_or_for_types_is_allowed(tmp_path: Path) -> None:
    text = "if TYPE_CHECKING:\n    import torch\ndef f():\n    import torch\n"
    assert not loads_torch(house(tmp_path, benchmarks__tables__grids=text), "tables")


# ---- files and what they say


FILES = [
    *[path for name in HOUSES for path in sorted((ROOT / name).rglob("*.py"))],
    *sorted(ROOT.glob("*.py")),
]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 350
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < 60, f"{name_of(path)}.{node.name}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_public_thing_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    public = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    nested = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for inner in ast.walk(node)
        if inner is not node
    }
    assert ast.get_docstring(tree)
    assert not [node.name for node in public if node not in nested and not ast.get_docstring(node)]


def test_no_room_without_a_purpose() -> None:
    vague = {"utils", "helpers", "common", "misc"}
    assert not [path for path in FILES if vague & set(path.relative_to(ROOT).with_suffix("").parts)]


# ---- what commands load


def test_tables_command_needs_neither_torch_nor_pandas_nor_scipy(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "results" / "runs", tmp_path / "runs")
    code = (
        "import sys, bench\n"
        f"assert bench.main(['tables', '--results', {str(tmp_path)!r}]) == 0\n"
        "sys.exit(bool({'torch', 'pandas', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_list_command_needs_neither_torch_nor_pandas() -> None:
    code = (
        "import sys, bench\n"
        "assert bench.main(['list']) == 0\n"
        "sys.exit(bool({'torch', 'pandas', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_import_does_nothing_but_define() -> None:
    code = (
        "import sys, random, torch, numpy\n"
        "before = torch.random.get_rng_state().clone(), str(numpy.random.get_state())\n"
        f"import {', '.join(name for name in modules(ROOT) if '__main__' not in name and '.speed' not in name)}\n"
        "after = torch.random.get_rng_state(), str(numpy.random.get_state())\n"
        "assert torch.equal(before[0], after[0]) and before[1] == after[1]\n"
        "assert 'sklearn' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
