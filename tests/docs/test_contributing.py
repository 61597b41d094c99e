"""The method, the pair and the variant that CONTRIBUTING writes down, run as written."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import bench
from benchmarks.records import store
from benchmarks.records.record import RunRecord
from datasets.catalogue import PAIRS, Entry
from methods.recipe import Recipe
from methods.recipes import RECIPES

TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()


def block(marker: str) -> str:
    found = re.search(rf"<!-- {re.escape(marker)} -->\n```python\n(.*?)```", TEXT, re.DOTALL)
    assert found, marker
    return found[1]


def module_of(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    exec(compile(block(f"file: {name.replace('.', '/')}.py"), name, "exec"), module.__dict__)  # our own text
    return module


def run(results: Path, *words: str) -> RunRecord:
    options = [
        "--scale",
        "smoke",
        "--seeds",
        "1",
        "--no-bounds",
        "--device",
        "cpu",
        "--results",
        str(results),
    ]
    assert bench.main([*words, *options]) == 0
    (record,) = store.read_all(results)
    return record


def test_the_method_runs_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module_of("methods.moments", monkeypatch)
    recipe = eval(block("entry: recipe"), {"Recipe": Recipe})
    monkeypatch.setitem(RECIPES, recipe.name, recipe)
    record = run(tmp_path, "--methods", "moments[momentum=0.2]", "--pair", "shapes")
    assert record.spec["settings"] == {"method": "Moments", "momentum": 0.2}
    assert record.scores["refinement"] is not None
    assert record.scores["refinement"] > 0.1


def test_the_method_matches_the_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from benchmarks.running.batches import Batches
    from datasets.catalogue import load_pair
    from datasets.contract import to_unit
    from methods.contract import Problem

    moments = module_of("methods.moments", monkeypatch)
    pair = load_pair("shapes")
    problem = Problem(shape=pair.shape, task=pair.task, batch=64, steps=100)
    method = moments.MomentsConfig().build(problem, torch.device("cpu"), 0)
    batches = Batches(pair, 64, 0)
    for _ in range(problem.steps):
        method.step(batches)
    painted = method.adapter(batches)(to_unit(pair.source.images))
    target = to_unit(pair.target)
    before = abs(to_unit(pair.source.images).mean() - target.mean())
    assert abs(painted.mean() - target.mean()) < before / 4


def test_the_pair_runs_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module_of("datasets.negatives", monkeypatch)
    entry = eval(block("entry: pair"), {"Entry": Entry})
    monkeypatch.setitem(PAIRS, "negatives", entry)
    record = run(tmp_path, "--pair", "negatives", "--methods", "simgan")
    assert record.protocol["source"] + record.protocol["validation"] == record.protocol["test"] == 599


def test_the_variant_is_accepted() -> None:
    from methods.recipes import simgan

    line = next(line for line in TEXT.splitlines() if line.startswith("simgan.but("))
    recipe = eval(line.removesuffix(","), {"simgan": simgan})
    assert recipe.at("paper").history.batches == 5
