"""Recipes as differences, and the names of rows that users type."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from methods.bounds import SourceOnly
from methods.networks.refiner import RefinerNet
from methods.parts.content import FeatureL1
from methods.parts.optimisers import Adam, Sgd
from methods.recipe import Recipe
from methods.recipes import RECIPES, config_of, configure, resolve, simgan
from methods.refiner_gan import RefinerGanConfig
from methods.settings import change
from mistakes import UserMistake

BASE = RefinerGanConfig()
GREY = FeatureL1(features="colour-mean")


def sentence(*words: str) -> str:
    """A pattern of one line that has all these words in this order."""
    return r"^[^\n]*" + r"[^\n]*".join(map(re.escape, words)) + r"[^\n]*\Z"


def test_every_recipe_stands_under_its_own_name_with_what_it_is_about() -> None:
    assert [recipe.name for recipe in RECIPES.values()] == list(RECIPES)
    assert all(recipe.about and recipe.paper for recipe in RECIPES.values())


def test_but_changes_what_it_names_alone() -> None:
    recipe = simgan.but("other", {"history": None}, "about").but(
        "another", {"content": GREY}, "about", "paper"
    )
    assert recipe.at("paper") == replace(BASE, history=None, content=GREY)
    assert (recipe.name, recipe.about, recipe.paper, simgan.changes) == ("another", "about", "paper", {})
    assert recipe.all_changes == {"history": None, "content": GREY}
    assert recipe.at("smoke").refiner == RefinerNet(width=8, blocks=2)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"histroy": None}, ["'histroy'", "Did you mean 'history'?"]),
        ({"history.batches": 50}, ["'history.batches' is 50 already"]),
        ({"history": None, "history.batches": 5}, ["'history' is absent"]),
    ],
)
def test_a_row_with_an_unknown_or_idle_change_cannot_be_configured(
    changes: Mapping[str, object], words: list[str]
) -> None:
    row = simgan.but("other", changes, "about")
    for recipe in (row, row.but("another", {"critic.width": 8}, "about")):
        with pytest.raises(UserMistake, match=sentence(*words)):
            recipe.at("small")


def test_a_change_is_idle_by_the_row_that_it_is_made_from() -> None:
    without = simgan.but("without", {"history": None}, "about")
    again = without.but("again", {"history": "History"}, "about")
    assert again.at("paper") == BASE
    with pytest.raises(UserMistake, match="'history' is none already"):
        without.but("without too", {"history": "none"}, "about").at("paper")


def test_a_base_may_be_named() -> None:
    named = replace(simgan, base=BASE)
    assert simgan.at("small") == named.at("small") != BASE


@pytest.mark.parametrize("scale", ["paper", "small", "smoke"])
@pytest.mark.parametrize("row", RECIPES)
def test_every_row_can_be_configured_and_its_changes_typed(row: str, scale: str) -> None:
    algorithm = RECIPES[row]
    while isinstance(algorithm.base, Recipe):
        algorithm = algorithm.base
    typed = {
        path: "none" if value is None else str(value) for path, value in RECIPES[row].all_changes.items()
    }
    assert RECIPES[row].at(scale) == change(algorithm.at(scale), typed)


@pytest.mark.parametrize("scale", ["paper", "small", "smoke"])
@pytest.mark.parametrize("row", RECIPES)
def test_settings_of_every_row_give_its_config_again_also_after_json(row: str, scale: str) -> None:
    config = RECIPES[row].at(scale)
    assert config_of(config.settings) == config
    text = json.dumps(config.settings)
    again = config_of(json.loads(text))
    assert again == config
    assert json.dumps(again.settings) == text


@dataclass(frozen=True, kw_only=True)
class Mine(SourceOnly):
    strength: float = 0.5


def test_settings_of_a_new_recipe_give_its_config_again(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Mine(strength=0.25)
    with pytest.raises(UserMistake, match=sentence("'method': 'Mine'", "allowed: ", "RefinerGan")):
        config_of(config.settings)
    recipe = Recipe(name="mine", base=Mine(), about="about", paper="–")
    monkeypatch.setitem(RECIPES, "mine", recipe.but("other", {"strength": 0.75}, "about"))
    assert config_of(config.settings) == config


def test_settings_of_two_classes_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True, kw_only=True)
    class RefinerGan(SourceOnly):
        pass

    monkeypatch.setitem(RECIPES, "mine", Recipe(name="mine", base=RefinerGan(), about="about", paper="–"))
    with pytest.raises(UserMistake, match=sentence("'method' is RefinerGan, the name of two classes")):
        config_of(BASE.settings)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"method": "RefinerGanConfig"}, ["'method': 'RefinerGanConfig'", "Did you mean 'RefinerGan'?"]),
        ({"method": None}, ["'method': None"]),
        ({"refiner.widht": 8}, ["RefinerGan do not fit this version", "unknown setting 'refiner.widht'"]),
        ({"critic.width": 10}, ["RefinerGan do not fit this version", "critic.width is 10", "allowed: "]),
    ],
)
def test_settings_that_are_not_known_are_refused(
    changes: dict[str, str | int | None], words: list[str]
) -> None:
    with pytest.raises(UserMistake, match=sentence(*words)):
        config_of(BASE.settings | changes)


def test_but_replaces_a_part_whose_settings_it_had_changed_before() -> None:
    noted = simgan.but("one", {"content": FeatureL1()}, "about")
    noted = noted.but("two", {"content.features": "random-network"}, "about")
    last = noted.but("three", {"content": GREY}, "about")
    assert last.at("paper") == replace(BASE, content=GREY)
    assert last.all_changes == {"content": GREY}


def test_but_replaces_a_part_by_one_without_the_settings_it_had_changed_before() -> None:
    noted = simgan.but("one", {"refiner_optimiser": Adam()}, "about")
    noted = noted.but("two", {"refiner_optimiser.beta1": 0.9}, "about")
    last = noted.but("three", {"refiner_optimiser": Sgd(rate=0.5)}, "about")
    assert last.at("paper") == replace(BASE, refiner_optimiser=Sgd(rate=0.5))
    assert last.all_changes == {"refiner_optimiser": Sgd(rate=0.5)}


@pytest.mark.parametrize(
    ("row", "changes"),
    [
        ("simgan", {}),
        ("simgan[]", {}),
        ("simgan[history=none;critic.verdict=image]", {"history": "none", "critic.verdict": "image"}),
        ("simgan[ critic.width = 12 ;]", {"critic.width": "12"}),
    ],
)
def test_rows_resolve_to_a_recipe_and_its_changes(row: str, changes: Mapping[str, str]) -> None:
    assert resolve(row) == (simgan, changes)


def test_a_row_is_configured_at_its_scale() -> None:
    config = configure("simgan[history=none;critic.verdict=image;refiner.width=16]", "smoke")
    changes = {"history": None, "critic.verdict": "image", "refiner.width": 16}
    assert config == change(simgan.at("smoke"), changes)
    assert config != simgan.at("smoke")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("simgam", ["unknown method 'simgam'", "simgan-ggdr", "Did you mean 'simgan'?"]),
        ("", ["unknown method ''"]),
        ("sim\ngan", [r"'sim\ngan'"]),
        ("simgan[history=none", ["'simgan[history=none'", "closing bracket"]),
        ("simgan[history=none]x", ["closing bracket"]),
        ("simgan[history]", ["'history'", "allowed: path=value"]),
        ("simgan[refiner.width=8;refiner.width=16]", ["'refiner.width' is set twice"]),
        ("simgan[histroy=none]", ["'histroy'", "Did you mean 'history'?"]),
        ("simgan[history=]", ["''", "allowed: History, none"]),
        ("simgan-nohist[history=none]", ["'history' is none already"]),
        ("source-only[history=none]", ["'history'", "allowed: none."]),
    ],
)
def test_rows_that_cannot_be_configured_are_refused(row: str, words: list[str]) -> None:
    with pytest.raises(UserMistake, match=sentence(*words)):
        configure(row, "paper")
