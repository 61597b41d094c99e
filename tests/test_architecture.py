import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("methods", "datasets", "benchmarks")
FORBIDDEN = {
    "methods": {"datasets", "benchmarks", "bench"},
    "datasets": {"methods", "benchmarks", "bench"},
    "benchmarks": {"bench"},
    "mistakes": {"methods", "datasets", "benchmarks", "bench"},
}
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")) + [
    ROOT / "bench.py",
    ROOT / "mistakes.py",
]


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def _imports(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_arrows_run_one_way(path: Path) -> None:
    owner = _name(path).split(".")[0]
    wrong = {
        name
        for name in _imports(ast.parse(path.read_text()))
        if name.split(".")[0] in FORBIDDEN.get(owner, ())
    }
    assert not wrong, f"{_name(path)} imports {', '.join(sorted(wrong))}"


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 350
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < 60, f"{_name(path)}.{node.name}"


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_every_public_thing_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text())
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


@pytest.mark.parametrize(
    "module",
    [
        "benchmarks.records.store",
        "benchmarks.tables.table",
        "benchmarks.tables.formats",
        "benchmarks.tables.verdicts",
        "benchmarks.report.page",
        "benchmarks.figures.catalogue",
        "benchmarks.speed.gate",
        "benchmarks.commands.listing",
        "benchmarks.studies.plugins",
        "datasets.catalogue",
        "datasets.files.downloads",
        "methods.recipes",
        "bench",
    ],
)
def test_records_tables_and_lists_need_no_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


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
        "import benchmarks.running.run, benchmarks.commands.listing, benchmarks.tables.terminal, datasets.catalogue, methods.recipes\n"
        "after = torch.random.get_rng_state(), str(numpy.random.get_state())\n"
        "assert torch.equal(before[0], after[0]) and before[1] == after[1]\n"
        "assert 'sklearn' not in sys.modules and 'matplotlib' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_readme_lists_every_file() -> None:
    readme = (ROOT / "README.md").read_text()
    named = [path for path in FILES if path.name != "__init__.py"]
    assert not [_name(path) for path in named if f"`{path.name}`" not in readme]
