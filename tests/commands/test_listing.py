"""The list of settings holds every setting and budget of every method at every scale."""

from itertools import product

from benchmarks.commands.listing import NO_SETTING, listings
from benchmarks.studies.runs import budget_of
from benchmarks.studies.scales import SCALES
from datasets.catalogue import PAIRS
from methods.recipes import RECIPES, configure

GRID = listings(["settings"], None)["settings"]
LINES = [dict(zip(GRID.columns, cells, strict=True)) for cells in GRID.cells]


MADE_OF = {line["name"]: line["made of"] for line in LINES}


def on_pair(name: str, pair: str) -> list[dict[str, str]]:
    """Return the lines of a method on a pair, or those of the nearest method that it is made of."""
    mine = [line for line in LINES if line["name"] == f"{name} on {pair}"]
    return mine if mine or name == NO_SETTING else on_pair(MADE_OF[name], pair)


def listed(name: str, scale: str) -> dict[str, str]:
    """Return what a reader finds: the settings of the method that this one is made of, then its own lines."""
    before = {} if name == NO_SETTING else listed(MADE_OF[name], scale)
    return before | {line["setting"]: line[scale] for line in LINES if line["name"] == name}


def test_every_setting_and_budget_of_every_method_at_every_scale_is_listed() -> None:
    for name, pair, scale in product(RECIPES, ["", *PAIRS], SCALES):
        if not pair or pair in RECIPES[name].kind.PAIRS:
            config = configure(name, scale, pair)
            budget = {f"budget.{number}": value for number, value in budget_of(config, scale).items()}
            whole = {**config.settings, **budget}
            texts = {path: "none" if value is None else str(value) for path, value in whole.items()}
            found = listed(name, scale) | {line["setting"]: line[scale] for line in on_pair(name, pair)}
            there = {path: value for path, value in found.items() if value != NO_SETTING}
            assert there == texts, (name, pair, scale)


def test_the_budgets_of_pairs_are_listed() -> None:
    found = {
        (line["name"].removeprefix("pair "), scale, line["setting"].removeprefix("budget.")): line[scale]
        for line in LINES
        if line["name"].startswith("pair ")
        for scale in SCALES
        if line[scale] != NO_SETTING
    }
    assert found == {
        (pair, scale, number): str(value)
        for pair, entry in PAIRS.items()
        for scale, numbers in entry.budgets.items()
        for number, value in numbers.items()
    }


def test_a_method_lists_nothing_that_it_shares_with_the_one_it_is_made_of() -> None:
    assert {line["setting"] for line in LINES if line["name"] == "simgan-nohist"} == {
        "history",
        "history.batches",
    }


def test_settings_are_listed_only_when_asked_for() -> None:
    assert "settings" not in listings([], None)
