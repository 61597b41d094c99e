"""The checksums of the code that decides a run: what changes them, and what does not."""

import ast
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks.studies import code
from benchmarks.studies.code import HARNESS, LEFT_OUT, ROOT, checksum, code_of
from datasets.catalogue import PAIRS
from methods.recipes import configure

Load = Callable[[Path, str], str]
PLAIN = "import math\n\ndef step(x):\n    return x + 1\n"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Return a function that claims to have loaded a file as a module of this name, and returns the name."""

    def claim(file: Path, name: str = "plugin_mine") -> str:
        module = ModuleType(name)
        module.__file__ = str(file)
        monkeypatch.setitem(sys.modules, name, module)
        return name

    return claim


def of_text(text: str, folder: Path, load: Load) -> str:
    """Return the checksum of a plugin of this text in a folder of its own."""
    file = folder / str(len(list(folder.iterdir()))) / "mine.py"
    file.parent.mkdir()
    file.write_text(text)
    return checksum({load(file, "plugin_mine")})


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("# a comment\n" + PLAIN, True),
        ('"""About."""\n' + PLAIN.replace("return", '"""Add."""\n    return'), True),
        (PLAIN.replace("x + 1", "(x   +\n     1)"), True),
        (PLAIN.replace("1", "2"), False),
        (PLAIN.replace("1", "1.0"), False),
        (PLAIN.replace("1", "None"), False),
        (PLAIN.replace("x + 1", "x - 1"), False),
        (PLAIN + "\nstep = None\n", False),
    ],
)
def test_what_runs_counts_and_nothing_else(text: str, same: bool, tmp_path: Path, load: Load) -> None:
    assert (of_text(text, tmp_path, load) == of_text(PLAIN, tmp_path, load)) == same


def test_neighbours_of_a_plugin_count_even_if_imported_late(tmp_path: Path, load: Load) -> None:
    mine, nets = tmp_path / "mine.py", tmp_path / "nets.py"
    mine.write_text("def build():\n    import nets\n    return nets.WIDTH\n")
    nets.write_text("WIDTH = 3\n")
    name = load(mine, "plugin_mine")
    before = checksum({name})
    (tmp_path / "other.py").write_text("WIDTH = 3\n")
    assert checksum({name}) == before
    nets.write_text("WIDTH = 4  # wider\n")
    assert checksum({name}) != before


def test_an_installed_plugin_is_followed_within_its_package_alone(tmp_path: Path, load: Load) -> None:
    installed = tmp_path / "site-packages"
    package = installed / "gan" / "deep"
    package.mkdir(parents=True)
    (installed / "torch.py").write_text("A = 1\n")
    (installed / "gan" / "__init__.py").write_text("")
    (installed / "gan" / "nets.py").write_text("WIDTH = 3\n")
    (package / "model.py").write_text("import torch\nfrom ..nets import WIDTH\nfrom . import layer\n")
    (package / "layer.py").write_text("DEPTH = 1\n")
    name = load(package / "model.py", "gan.deep.model")
    found = [checksum({name})]
    for file, text in ((installed / "torch.py", "A = 22\n"), (installed / "gan" / "nets.py", "WIDTH = 44\n")):
        file.write_text(text)
        found.append(checksum({name}))
    (package / "layer.py").write_text("DEPTH = 222\n")
    found.append(checksum({name}))
    assert found[0] == found[1]
    assert len(set(found)) == 3


def test_weights_beside_a_module_count(tmp_path: Path, load: Load) -> None:
    (tmp_path / "mine.py").write_text(PLAIN)
    weights = tmp_path / "net.safetensors"
    found = set()
    for content in (b"1", b"2"):
        weights.write_bytes(content)
        found.add(checksum({load(tmp_path / "mine.py", "plugin_mine")}))
    assert len(found) == 2


def test_a_module_without_a_file_counts_as_empty() -> None:
    assert checksum({"no.such.module"}) == checksum({"__nor_this__"})


def test_the_harness_is_all_that_measures_and_no_method_or_registry() -> None:
    names = {module.name for module in code._closure({HARNESS})}
    for room in ("running.training", "evaluation.evaluator", "scores.frechet", "records.selection"):
        assert f"benchmarks.{room}" in names
    assert not names & LEFT_OUT
    assert not [
        name for name in names if name in ("methods.refiner_gan", "methods.pixelda", "benchmarks.tables")
    ]


def test_what_is_left_out_is_there() -> None:
    assert all(code._located(name, ROOT) for name in LEFT_OUT)


def test_rows_of_one_class_share_a_code_and_pairs_differ_in_theirs_alone() -> None:
    simgan, nohist, dann = (configure(row, "smoke") for row in ("simgan", "simgan-nohist", "dann"))
    one, same, other = (code_of(config, PAIRS["shapes"]) for config in (simgan, nohist, dann))
    assert one == same
    assert {name for name in one if one[name] != other[name]} == {"method"}
    elsewhere = code_of(simgan, PAIRS["fonts-digits"])
    assert {name for name in one if one[name] != elsewhere[name]} == {"pair"}
    assert all(len(value) == 12 for value in one.values())


def test_the_class_of_a_part_counts(tmp_path: Path, load: Load) -> None:
    (tmp_path / "mine.py").write_text(PLAIN)

    @dataclass(frozen=True)
    class Inner:
        weight: float = 1.0

    @dataclass(frozen=True)
    class Config:
        part: Inner | None = None

    Inner.__module__ = load(tmp_path / "mine.py", "plugin_mine")
    with_part, without = (code_of(config, PAIRS["shapes"]) for config in (Config(Inner()), Config()))
    assert with_part["method"] != without["method"]


def test_a_field_that_later_versions_of_python_added_changes_nothing() -> None:
    tree = ast.parse(PLAIN).body[1]
    assert isinstance(tree, ast.FunctionDef)
    before = code._plain(tree)
    tree._fields = (*tree._fields, "type_params")
    tree.type_params = []
    assert code._plain(tree) == before
