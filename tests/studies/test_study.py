"""Studies and the runs they consist of."""

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.studies.published import STUDIES, find_study
from benchmarks.studies.runs import runs
from benchmarks.studies.scales import SCALES, Scale
from benchmarks.studies.study import RunSpec, Study
from benchmarks.tables.grids import seeds_said
from datasets.catalogue import PAIRS
from methods.recipes import configure
from methods.settings import flatten
from mistakes import UserMistake

SPEC = RunSpec(
    pair="shapes",
    row="simgan",
    scale="smoke",
    seed=0,
    extractor="random",
    device="cpu",
    settings={"method": "RefinerGan", "history": None, "rate": 0.1},
    budget={"steps": 12, "batch": 16},
)


def study(**changes: Any) -> Study:
    plain = {"pairs": ("shapes",), "rows": ("simgan",), "seeds": (0,), "scale": "smoke"}
    return Study(**{"name": "test", "about": "", **plain, **changes})


# ---- the id of a run


def test_id_is_a_readable_slug_and_a_hash() -> None:
    assert re.fullmatch(r"shapes--simgan--smoke--s0--[0-9a-f]{10}", SPEC.id)


def test_equal_content_has_an_equal_id() -> None:
    again = RunSpec(**vars(SPEC))
    turned = replace(SPEC, settings=dict(reversed(SPEC.settings.items())))
    assert SPEC.id == again.id == turned.id


@pytest.mark.parametrize("name", [field.name for field in fields(RunSpec)])
def test_id_changes_with_every_field(name: str) -> None:
    others = {"seed": 1, "settings": {**SPEC.settings, "rate": 0.2}, "budget": {"steps": 12, "batch": 17}}
    assert replace(SPEC, **{name: others.get(name, "other")}).id != SPEC.id


@pytest.mark.parametrize("row", ["simgan[content=L1;history.batches=4]", "a/b", "..", "A B", "x" * 300])
def test_id_is_a_safe_folder_name(row: str) -> None:
    name = replace(SPEC, row=row).id
    assert re.fullmatch(r"[a-z0-9_.=-]{1,150}", name)
    assert name.startswith("shapes--")


# ---- the runs of a study


def test_runs_visit_all_rows_of_a_seed_before_the_next() -> None:
    planned = runs(
        study(pairs=("shapes", "fonts-digits"), rows=("simgan", "source-only"), seeds=(3, 1)), "cpu"
    )
    assert [(spec.pair, spec.seed, spec.row) for spec in planned] == [
        (pair, seed, row)
        for pair in ("shapes", "fonts-digits")
        for seed in (3, 1)
        for row in ("simgan", "source-only")
    ]


def test_run_holds_every_setting_and_the_budget() -> None:
    (spec,) = runs(study(rows=("simgan[history.batches=3]",)), "cpu")
    assert spec.settings == {"method": "RefinerGan"} | flatten(
        configure("simgan[history.batches=3]", "smoke")
    )
    assert spec.settings["history.batches"] == 3
    scale = SCALES["smoke"]
    assert {name: getattr(scale, name) for name in spec.budget} == spec.budget
    assert set(spec.budget) == {field.name for field in fields(scale)} - {"about"}
    assert Scale.of(spec.budget) == replace(scale, about="")
    assert (spec.device, spec.extractor) == ("cpu", "random")


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        ({"steps": 3}, "setting 'batch' is missing"),
        (dict.fromkeys(("steps", "batch", "pixels", "window", "task_steps", "epochs"), 3), "'epochs'"),
    ],
)
def test_budget_that_is_no_scale_is_refused(budget: dict[str, str | int], words: str) -> None:
    with pytest.raises(UserMistake, match=words):
        Scale.of(budget)


def test_extractor_is_the_pairs_own_unless_the_study_says_another() -> None:
    own = runs(study(pairs=("shapes", "fonts-digits")), "cpu")
    assert [spec.extractor for spec in own] == ["random", "digits-v1"]
    assert [spec.extractor for spec in runs(study(extractor="digits-v1"), "cpu")] == ["digits-v1"]


def test_runs_have_the_settings_of_their_pair() -> None:
    planned = runs(study(pairs=("mnist-usps", "linemod"), rows=("pixelda",)), "cpu")
    towers = {spec.pair: spec.settings["tower"] for spec in planned}
    assert towers == {"mnist-usps": "TowerNet", "linemod": "DoublingTowerNet"}
    same = ("pixelda", "pixelda[tower=DoublingTowerNet]")
    assert list(runs(study(pairs=("mnist-usps",), rows=same), "cpu"))
    with pytest.raises(UserMistake, match="'tower' is DoublingTowerNet already"):
        list(runs(study(pairs=("linemod",), rows=same), "cpu"))


def test_planning_twice_gives_the_same_ids() -> None:
    first, second = ([spec.id for spec in runs(study(seeds=(0, 1)), "cpu")] for _ in range(2))
    assert first == second
    assert len(set(first)) == 2


def test_row_named_twice_is_refused() -> None:
    with pytest.raises(UserMistake, match=r"^method 'simgan' is named twice; allowed: [^\n]*$"):
        study(rows=("simgan", "source-only", "simgan"))


def test_rows_with_equal_settings_are_refused() -> None:
    rows = ("simgan", "simgan-nohist", "simgan[history=none]")
    with pytest.raises(
        UserMistake, match=r"^methods 'simgan-nohist' and 'simgan\[history=none\]' have the same"
    ):
        list(runs(study(rows=rows), "cpu"))


def test_bounds_are_different_rows() -> None:
    assert len(list(runs(study(rows=("source-only", "target-only")), "cpu"))) == 2


@pytest.mark.parametrize(
    ("changes", "near"),
    [
        ({"pairs": ("shapes", "font-digits")}, "fonts-digits"),
        ({"rows": ("simgn",)}, "simgan"),
        ({"scale": "smok"}, "smoke"),
        ({"extractor": "randm"}, "random"),
    ],
)
def test_unknown_name_is_refused_with_the_nearest(changes: dict[str, Any], near: str) -> None:
    with pytest.raises(UserMistake, match=f"Did you mean {near!r}"):
        list(runs(study(**changes), "cpu"))


# ---- the published studies


def test_the_page_of_results_says_which_studies_are_outdated() -> None:
    page = (Path(__file__).parents[2] / "results" / "README.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (\S+)( \(outdated\))?$", page, re.MULTILINE)
    found = {name: mark for name, mark in headings if name in STUDIES}
    assert found
    for name, mark in found.items():
        assert bool(mark) == bool(STUDIES[name].outdated)
        said = re.sub(r"\s+", " ", page.split(f"## {name}")[1].split("\n## ")[0])
        assert STUDIES[name].warning in said


@pytest.mark.parametrize("name", STUDIES)
def test_published_study_can_be_planned(name: str) -> None:
    found = find_study(name)
    assert found.name == name
    assert found.about
    assert set(found.pairs) <= set(PAIRS)
    ids = [spec.id for spec in runs(found, "cpu")]
    assert len(ids) == len(set(ids)) == len(found.pairs) * len(found.rows) * len(found.seeds)


@pytest.mark.parametrize(
    ("seeds", "said"),
    [
        ((), ""),
        ((3,), "3"),
        ((0, 1), "0, 1"),
        ((0, 1, 2), "0–2"),
        ((0, 1, 2, 4, 7, 8, 9, 10), "0–2, 4, 7–10"),
        ((2, 1, 0), "2, 1, 0"),
    ],
)
def test_seeds_in_a_row_are_said_by_their_ends(seeds: tuple[int, ...], said: str) -> None:
    assert seeds_said(seeds) == said


def test_unknown_study_names_the_nearest() -> None:
    with pytest.raises(UserMistake, match=r"'simgan-ablations'.*Did you mean 'simgan-ablation'\?"):
        find_study("simgan-ablations")
