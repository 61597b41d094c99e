"""The list of settings holds every setting and budget of every method at every scale."""

from benchmarks.commands.listing import NO_SETTING, listings
from benchmarks.studies.runs import budget_of
from benchmarks.studies.scales import SCALES
from datasets.catalogue import PAIRS
from methods.recipes import RECIPES, configure

GRID = listings(["settings"], None)["settings"]
LINES = [dict(zip(GRID.columns, cells, strict=True)) for cells in GRID.cells]


def listed(name: str, scale: str) -> dict[str, str]:
    """Return what a reader finds: the settings of the method that this one is made of, then its own lines."""
    mine = [line for line in LINES if line["name"] == name]
    (base,) = {line["made of"] for line in mine}
    before = {} if base == NO_SETTING else listed(base, scale)
    found = before | {line["setting"]: line[scale] for line in mine}
    return {path: value for path, value in found.items() if value != NO_SETTING}


def test_every_setting_and_budget_of_every_method_at_every_scale_is_listed() -> None:
    for name in RECIPES:
        for scale in SCALES:
            config = configure(name, scale)
            budget = {f"budget.{number}": value for number, value in budget_of(config, scale).items()}
            whole = {**config.settings, **budget}
            texts = {path: "none" if value is None else str(value) for path, value in whole.items()}
            assert listed(name, scale) == texts, (name, scale)


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
