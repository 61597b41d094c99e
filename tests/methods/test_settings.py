"""Laws of configs as flat settings, of the columns they make, and of the sentences that refuse a mistake."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import combinations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from methods.bounds import SourceOnly, TargetOnly
from methods.contract import Config
from methods.networks.refiner import CriticNet, RefinerNet
from methods.parts.content import L1, FeatureL1, PairwiseError
from methods.parts.guidance import GGDR
from methods.parts.history import History
from methods.parts.optimisers import Adam, Sgd
from methods.recipes import RECIPES
from methods.refiner_gan import RefinerGanConfig
from methods.settings import Settings, Value, change, changed, flatten, unflatten, varied
from mistakes import UserMistake, unknown

BASE = RefinerGanConfig()
GREY = FeatureL1(features="colour-mean")
few = st.integers(1, 99)
rates = st.floats(1e-6, 1)
optimisers = st.builds(Sgd, rate=rates) | st.builds(Adam, rate=rates, beta1=st.floats(0, 0.99))
configs = st.builds(
    RefinerGanConfig,
    content=st.sampled_from([None, L1(), PairwiseError()])
    | st.builds(FeatureL1, features=st.sampled_from(["colour-mean", "derivatives", "random-network"])),
    content_strength=st.floats(0, 1e6),
    history=st.none() | st.builds(History, batches=few),
    guidance=st.none() | st.builds(GGDR, weight=st.floats(0, 100), block=st.sampled_from([-1, 0])),
    refiner=st.builds(RefinerNet, width=few, blocks=few),
    critic=st.builds(
        CriticNet,
        width=few.map(lambda third: 3 * third),
        verdict=st.sampled_from(["patches", "image"]),
        normalisation=st.sampled_from(["none", "batch"]),
    ),
    refiner_optimiser=optimisers,
    critic_optimiser=optimisers,
    refiner_updates=few,
    critic_updates=few,
    refiner_pretraining=few,  # 0 would forbid a history
    critic_pretraining=st.integers(0, 99),
)

calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # machines may be busy


@contextmanager
def refused(*words: str) -> Iterator[None]:
    with pytest.raises(UserMistake) as caught:
        yield
    message = str(caught.value)
    assert "\n" not in message
    assert [word for word in words if word not in message] == [], message


def settings_of(config: Config) -> dict[str, Value]:
    """Settings as records hold them: the algorithm is one of them."""
    return {"method": type(config).__name__} | flatten(config)


def difference(before: Settings, after: Settings) -> dict[str, str]:
    """What a user types to come from one config to another; a new part is given with all its settings."""
    typed: dict[str, str] = {}
    for path, value in after.items():
        if path not in before or before[path] != value or path.rpartition(".")[0] in typed:
            typed[path] = "none" if value is None else str(value)
    return typed


# ---- flatten and change


def test_flatten_gives_parts_by_class_and_their_settings_below() -> None:
    flat = flatten(replace(BASE, history=None, content=FeatureL1()))
    assert list(flat)[:4] == ["content", "content.features", "content_strength", "history"]
    assert (flat["content"], flat["content.features"], flat["history"]) == ("FeatureL1", "derivatives", None)
    assert "history.batches" not in flat


@calm
@given(configs)
def test_unflatten_is_the_inverse_of_flatten_also_after_json(config: RefinerGanConfig) -> None:
    flat = flatten(config)
    again = unflatten(RefinerGanConfig, flat)
    assert again == config
    assert list(map(type, flatten(again).values())) == list(map(type, flat.values()))
    assert unflatten(RefinerGanConfig, json.loads(json.dumps(flat))) == config


def test_unflatten_keeps_a_whole_number_where_a_float_may_stand() -> None:
    config = unflatten(RefinerGanConfig, flatten(BASE) | {"content_strength": 2})
    assert type(config.content_strength) is int


def half() -> type[L1]:
    @dataclass(frozen=True, kw_only=True)
    class HalfL1(L1):
        share: float = 0.5

    return HalfL1


def test_unflatten_knows_parts_derived_from_those_that_a_field_allows() -> None:
    kind = half()
    config = replace(BASE, content=kind())
    assert unflatten(RefinerGanConfig, flatten(config)) == config
    other = half()
    with refused("'content' is HalfL1, the name of two classes"):
        unflatten(RefinerGanConfig, flatten(replace(BASE, content=other())))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"histroy": None}, ["unknown setting 'histroy'", "Did you mean 'history'?"]),
        ({"guidance.weight": 1.0}, ["unknown setting 'guidance.weight'", "allowed: content, "]),
        ({"history": None}, ["unknown setting 'history.batches'"]),
        ({"guidance": "GGDR"}, ["setting 'guidance.weight' is missing", "every setting of GGDR."]),
        ({"content": "L2"}, ["value of setting 'content': 'L2'", "allowed: L1, ", "Did you mean 'L1'?"]),
        ({"content": "History"}, ["'content': 'History'"]),
        ({"critic": None}, ["'critic': 'none'", "allowed: CriticNet."]),
        ({"critic.verdict": "images"}, ["'images'", "allowed: patches, image."]),
        ({"history.batches": "50"}, ["'history.batches': '50'", "allowed: int."]),
        ({"history.batches": 50.0}, ["'history.batches': '50.0'", "allowed: int."]),
        ({"history.batches": True}, ["'history.batches': 'True'", "allowed: int."]),
        ({"critic.width": 10}, ["critic.width is 10", "allowed: a multiple of 3."]),
    ],
)
def test_settings_that_no_config_has_are_refused(changes: dict[str, Value], words: list[str]) -> None:
    with refused(*words):
        unflatten(RefinerGanConfig, flatten(BASE) | changes)


@pytest.mark.parametrize("path", flatten(BASE))
def test_a_missing_setting_is_refused(path: str) -> None:
    flat = flatten(BASE)
    del flat[path]
    with refused(f"setting {path!r} is missing"):
        unflatten(RefinerGanConfig, flat)


@pytest.mark.parametrize("scale", ["paper", "small", "smoke"])
def test_no_two_recipes_have_equal_settings(scale: str) -> None:
    rows = [tuple(settings_of(recipe.at(scale)).items()) for recipe in RECIPES.values()]
    assert len(set(rows)) == len(RECIPES)


@calm
@given(configs, configs)
def test_the_typed_difference_leads_from_one_config_to_another(one: Config, other: Config) -> None:
    typed = difference(flatten(one), flatten(other))
    assert change(one, typed) == other
    assert (typed == {}) == (one == other)


def test_a_typed_difference_may_pass_through_what_is_not_allowed_alone() -> None:
    without = replace(BASE, history=None, refiner_pretraining=0)
    assert change(without, {"history": "History", "refiner_pretraining": "1000"}) == BASE


def test_change_leaves_its_config_as_it_was() -> None:
    before = flatten(BASE)
    assert change(BASE, {"history.batches": 7}).history == History(batches=7)
    assert flatten(BASE) == before


@pytest.mark.parametrize(
    ("path", "value", "becomes"),
    [
        ("history", "none", None),
        ("history", None, None),
        ("content", "featurel1", FeatureL1()),
        ("content", PairwiseError(), PairwiseError()),
        ("content_strength", "1e-2", 0.01),
        ("content_strength", 2, 2.0),
        ("refiner_updates", "50", 50),
    ],
)
def test_values_are_read_as_users_type_them(path: str, value: object, becomes: object) -> None:
    read = getattr(change(BASE, {path: value}), path)
    assert read == becomes
    assert type(read) is type(becomes)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("histroy", ["unknown setting 'histroy'", "Did you mean 'history'?"]),
        (
            "history.batch",
            ["'history.batch'", "allowed: history.batches.", "Did you mean 'history.batches'?"],
        ),
        ("critic_optimiser.beta1", ["'critic_optimiser.beta1'", "critic_optimiser.rate"]),
        ("guidance.weight", ["'guidance.weight'", "'guidance' is absent", "guidance=GGDR first"]),
        ("content_strength.weight", ["'content_strength' is a plain value"]),
        ("critic.verdict.x", ["'critic.verdict' is a plain value"]),
        ("history.", ["unknown setting 'history.'"]),
        (".history", ["unknown setting '.history'"]),
        ("", ["unknown setting ''"]),
    ],
)
def test_unknown_paths_are_refused_with_what_is_near(path: str, words: list[str]) -> None:
    with refused(*words):
        change(BASE, {path: "none"})


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("critic.verdict", "images", ["'images'", "allowed: patches, image.", "Did you mean 'image'?"]),
        (
            "content",
            "FeatureL2",
            ["'FeatureL2'", "L1, FeatureL1, PairwiseError, SquaredError, Hinged, none", "mean 'FeatureL1'?"],
        ),
        ("content", Sgd(), ["'Sgd'"]),
        ("critic", None, ["'none'", "allowed: CriticNet."]),
        ("history", 50, ["'50'", "allowed: History, none."]),
        ("refiner_updates", "0.5", ["'0.5'", "allowed: int."]),
        ("refiner_updates", 2.0, ["'2.0'", "allowed: int."]),
        ("refiner_updates", True, ["'True'", "allowed: int."]),
        ("content_strength", "strong\n", [r"'strong\n'", "allowed: float."]),
        ("content_strength", "inf", ["content_strength is inf", "allowed: a number from 0 on."]),
        ("content_strength", 10**400, ["allowed: float."]),
        ("content_strength", "nan", ["content_strength is nan", "allowed: a number from 0 on."]),
        ("critic.width", "10", ["critic.width is 10", "allowed: a multiple of 3."]),
    ],
)
def test_values_of_the_wrong_kind_are_refused(path: str, value: object, words: list[str]) -> None:
    with refused(*words):
        change(BASE, {path: value})


@pytest.mark.parametrize(
    ("path", "value"),
    [("history.batches", "50"), ("guidance", "none"), ("content", L1()), ("content_strength", 0.153)],
)
def test_idle_changes_are_refused(path: str, value: object) -> None:
    with refused(repr(path), "already"):
        changed(BASE, {"critic.width": 12, path: value})
    assert change(BASE, {path: value}) == BASE


@example(path="content_strength", value="0.153\n")
@calm
@given(path=st.sampled_from([*flatten(BASE), "guidance.weight"]) | st.text(), value=st.text())
def test_whatever_a_user_types_is_taken_or_refused_in_one_line(path: str, value: str) -> None:
    said = ""
    try:
        config = changed(BASE, {path: value})
    except UserMistake as mistake:
        said = str(mistake)
    else:
        assert config != BASE
    assert len(said.splitlines()) <= 1


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: Sgd(rate=0), id="rate"),
        pytest.param(lambda: Adam(rate=float("nan")), id="rate-nan"),
        pytest.param(lambda: Adam(beta1=2), id="beta1"),
        pytest.param(lambda: GGDR(weight=-1), id="weight"),
        pytest.param(lambda: History(batches=0), id="batches"),
        pytest.param(lambda: RefinerNet(width=0), id="width"),
        pytest.param(lambda: RefinerNet(blocks=0), id="blocks"),
        pytest.param(lambda: CriticNet(width=10), id="critic-width"),
        pytest.param(lambda: RefinerGanConfig(content_strength=-1), id="strength"),
        pytest.param(lambda: RefinerGanConfig(refiner_updates=0), id="refiner-updates"),
        pytest.param(lambda: RefinerGanConfig(critic_updates=0), id="critic-updates"),
        pytest.param(lambda: RefinerGanConfig(critic_pretraining=-1), id="critic-pretraining"),
        pytest.param(lambda: RefinerGanConfig(refiner_pretraining=0), id="history-pretraining"),
        pytest.param(lambda: RefinerGanConfig(refiner_pretraining=-1, history=None), id="pretraining"),
    ],
)
def test_impossible_values_are_refused(make: Callable[[], object]) -> None:
    with refused("; allowed: "):
        make()


# ---- columns


def columns(*rows: Config) -> list[str]:
    return varied([settings_of(row) for row in rows])


def differing(rows: Sequence[Settings]) -> set[str]:
    """The rule, pair by pair: rows with the same parent part disagree."""
    return {
        path
        for one, other in combinations(rows, 2)
        for path in one.keys() & other.keys()
        if one[path] != other[path] and one.get(p := path.rpartition(".")[0] or "method") == other.get(p)
        if path != "method"
    }


@calm
@given(st.lists(configs, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_columns_are_the_disagreements_in_any_order_of_rows(rows: list[Config], random: object) -> None:
    first, *others = rows
    random.shuffle(others)  # type: ignore[attr-defined]
    assert set(columns(*rows)) == set(columns(first, *others)) == differing(list(map(settings_of, rows)))
    assert len(columns(*rows)) == len(set(columns(*rows)))
    assert columns(first, first) == columns(first) == []


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([{"content": PairwiseError()}], ["content"]),
        ([{"history": None}], ["history"]),
        ([{"guidance": GGDR()}], ["guidance"]),
        ([{"refiner_optimiser": Adam(rate=0.5)}], ["refiner_optimiser"]),
        ([{"refiner_optimiser": Sgd(rate=0.5)}], ["refiner_optimiser.rate"]),
        ([{"history": None}, {"history": History(batches=7)}], ["history", "history.batches"]),
        ([{"guidance": GGDR()}, {"guidance": GGDR(weight=1)}], ["guidance", "guidance.weight"]),
        ([{"critic": CriticNet(width=12)}, {"guidance": GGDR()}], ["guidance", "critic.width"]),
        ([{"content": FeatureL1()}, {"content": GREY}, {"content": None}], ["content", "content.features"]),
    ],
)
def test_columns_of_ablations(others: list[dict[str, object]], expected: list[str]) -> None:
    assert columns(BASE, *(change(BASE, other) for other in others)) == expected


def test_columns_keep_hyper_parameters_behind_a_part_that_comes_late() -> None:
    rows = [change(BASE, {"critic.width": 12}), *(replace(BASE, guidance=GGDR(weight=w)) for w in (1, 2))]
    assert columns(*rows) == ["guidance", "guidance.weight", "critic.width"]


def test_another_algorithm_makes_no_columns() -> None:
    assert columns(SourceOnly(), TargetOnly(), BASE) == []


# ---- mistakes


def test_unknown_lists_what_is_allowed_and_the_nearest() -> None:
    message = str(unknown("pair", "shape", ["digits", "shapes"]))
    assert message == "unknown pair 'shape'; allowed: digits, shapes. Did you mean 'shapes'?"


def test_unknown_suggests_nothing_when_nothing_is_near() -> None:
    assert str(unknown("pair", "\n", ["digits"])) == r"unknown pair '\n'; allowed: digits."
    assert str(unknown("pair", 5, [])) == "unknown pair 5; allowed: none."
