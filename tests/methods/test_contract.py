"""What every method promises, held against every recipe at the scale "smoke"."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from benchmarks.evaluation.downstream.task_net import predict
from benchmarks.evaluation.evaluator import adapted
from benchmarks.evaluation.promises import check_labels_wanted
from benchmarks.evaluation.steadiness import steady_adapter, steady_predictor
from benchmarks.running.batches import Batches
from datasets.catalogue import PAIRS, load_pair
from datasets.contract import ClassificationAndPose, DomainPair, Labelled, to_unit
from datasets.sealing import closed
from methods.contract import Batch, Method, Problem
from methods.recipes import RECIPES
from methods.refiner_gan import RefinerGan, RefinerGanConfig
from methods.seeding import generator
from tests.small.data import every_file, put, shrink
from tests.small.rows import TRAINED

BATCH = 16
CPU = torch.device("cpu")
REFINERS = [row for row in TRAINED if isinstance(RECIPES[row].at("paper"), RefinerGanConfig)]
ALGORITHMS = list(
    {type(recipe.at("paper")): row for row, recipe in RECIPES.items() if row in TRAINED}.values()
)
EMBEDDED = [pair for pair, entry in PAIRS.items() if not entry.needs]
POSES = "poses"  # four channels, classes and rotations: LineMod's kind, drawn here
PLACES = [(row, pair) for pair in (*EMBEDDED, POSES) for row in RECIPES]
PUBLISHED = [(row, pair) for pair in PAIRS if pair not in EMBEDDED for row in ALGORITHMS]


@cache
def loaded(name: str) -> DomainPair:
    """Return a pair; published ones from small files in their publishers' formats, a plugin's from BENCH_DATA."""
    if name == POSES:
        return poses()
    if name in EMBEDDED:
        return load_pair(name)
    with TemporaryDirectory() as root, pytest.MonkeyPatch.context() as monkeypatch:
        shrink(monkeypatch)
        put(Path(root), every_file())
        if not PAIRS[name].missing(Path(root)):
            return load_pair(name, Path(root))
    return load_pair(name, Path(os.environ["BENCH_DATA"]) if "BENCH_DATA" in os.environ else None)


def poses() -> DomainPair:
    random = torch.Generator().manual_seed(0)

    def draw() -> Labelled:
        images = torch.randint(256, (48, 4, 16, 16), generator=random, dtype=torch.uint8)
        turns = torch.nn.functional.normalize(torch.randn(48, 4, generator=random), dim=1)
        labels = torch.cat([(torch.arange(48) % 3)[:, None].float(), turns], 1)
        return Labelled(images=images, labels=labels, masks=images[:, 3:] < 252)

    task = ClassificationAndPose(classes=3)
    return DomainPair(name=POSES, task=task, source=draw(), oracle=draw(), test=draw())


def build(row: str, pair: str = "shapes", seed: int = 0, batch: int = BATCH) -> Method:
    domains = loaded(pair)
    problem = Problem(shape=domains.shape, task=domains.task, batch=batch, steps=12)
    with closed():
        return RECIPES[row].at("smoke", pair).build(problem, CPU, seed)


def nothing() -> Iterator[Batch]:
    """The stream that an adapter is given whose weights are loaded afterwards."""
    return iter(())


ADAPTING = [row for row in TRAINED if build(row).adapter(nothing()) is not None]
JUDGING = [row for row in TRAINED if build(row).verdict() is not None]
PREDICTING = [row for row in TRAINED if build(row).predictor() is not None]


def on(rows: Sequence[str]) -> list[tuple[str, str]]:
    """Return every row with every kind of pair, and one row of each algorithm with every published pair."""
    return [(row, pair) for row, pair in (*PLACES, *PUBLISHED) if row in rows]


every_row = pytest.mark.parametrize(("row", "pair"), PLACES)
every_trained_row = pytest.mark.parametrize(("row", "pair"), [p for p in PLACES if p[0] in TRAINED])
every_adapting_row = pytest.mark.parametrize(("row", "pair"), on(ADAPTING))
every_predicting_row = pytest.mark.parametrize(("row", "pair"), on(PREDICTING))
every_judging_row = pytest.mark.parametrize(("row", "pair"), on(JUDGING))
every_refiner = pytest.mark.parametrize("row", REFINERS)


def built(row: str, batch: int = BATCH) -> RefinerGan:
    method = build(row, batch=batch)
    assert isinstance(method, RefinerGan)
    return method


def stream(pair: str = "shapes", seed: int = 0, batch: int = BATCH, drawn: int = 0) -> Batches:
    batches = Batches(loaded(pair), batch, seed)
    while batches.drawn < drawn:
        next(batches)
    return batches


def aside(pair: str) -> Batches:
    return stream(pair).aside("adapter")


def train(row: str, pair: str = "shapes", seed: int = 0, steps: int = 3) -> tuple[Method, Batches]:
    method, batches = build(row, pair, seed), stream(pair, seed)
    with closed():
        method.pretrain(batches)
        for _ in range(steps):
            method.step(batches)
    return method, batches


def images_of(pair: str) -> Tensor:
    return to_unit(loaded(pair).source.images[:8])


def bits(value: Any) -> Any:
    if isinstance(value, Tensor):
        content = value.detach().contiguous().numpy().tobytes()
        return str(value.dtype), tuple(value.shape), hashlib.sha256(content).hexdigest()[:16]
    if isinstance(value, Mapping):
        return {name: bits(part) for name, part in value.items()}
    return [bits(part) for part in value] if isinstance(value, list | tuple) else value


def weights(method: Method) -> dict[str, Any]:
    return {name: bits(network.state_dict()) for name, network in method.networks().items()}


# ---- training


@every_row
def test_steps_give_finite_detached_scalars_under_constant_names(row: str, pair: str) -> None:
    method, batches = train(row, pair, steps=0)
    steps = [method.step(batches) for _ in range(3)]
    assert {tuple(terms) for terms in steps} == {tuple(steps[0])}
    assert bool(steps[0]) == bool(method.networks())
    for value in (value for terms in steps for value in terms.values()):
        assert value.shape == ()
        assert not value.requires_grad
        assert value.isfinite()


@every_trained_row
def test_steps_move_every_trainable_parameter_of_every_network(row: str, pair: str) -> None:
    method, batches = train(row, pair, steps=0)
    before = deepcopy(method.networks())
    for _ in range(3):
        method.step(batches)
    still = [
        f"{network}.{name}"
        for network, module in method.networks().items()
        for name, parameter in module.named_parameters()
        if parameter.requires_grad and torch.equal(parameter, before[network].get_parameter(name))
    ]
    assert still == []


@every_row
def test_building_and_training_leave_the_global_random_state_alone(row: str, pair: str) -> None:
    loaded(pair)
    before = torch.random.get_rng_state()
    train(row, pair)
    assert torch.equal(torch.random.get_rng_state(), before)


@every_trained_row
def test_batches_are_left_as_they_were_given(row: str, pair: str) -> None:
    method, batches, given = build(row, pair), stream(pair), list[tuple[Batch, Batch]]()

    def kept() -> Iterator[Batch]:
        for batch in batches:
            given.append((batch, deepcopy(batch)))
            yield batch

    lent = kept()
    method.pretrain(lent)
    for _ in range(2):
        method.step(lent)
    for batch, before in given:
        for name in ("source", "labels", "masks", "target"):
            same = torch.equal(getattr(batch, name), getattr(before, name))
            assert same, f"the method writes into batch.{name}; allowed: writing into a copy"


@pytest.mark.parametrize("row", TRAINED)
def test_no_row_that_trains_is_given_the_labels_of_the_target(row: str) -> None:
    check_labels_wanted(RECIPES[row].at("smoke"), build(row))


@every_trained_row
def test_same_seed_gives_same_bits_whatever_the_global_seed(row: str, pair: str) -> None:
    states = []
    for elsewhere in (1, 2):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(elsewhere)
            states.append(bits(train(row, pair)[0].state_dict()))
    assert states[0] == states[1]


@every_trained_row
def test_another_seed_gives_other_bits_in_every_network(row: str, pair: str) -> None:
    one, other = (train(row, pair, seed)[0] for seed in (0, 1))
    for name, network in one.networks().items():
        if list(network.parameters()):
            assert weights(one)[name] != weights(other)[name], name


# ---- resuming


def saved(state: Mapping[str, Any]) -> Any:
    file = BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file)


@pytest.mark.parametrize("carry", [deepcopy, saved])
@every_trained_row
def test_a_resumed_run_goes_on_bit_for_bit(row: str, pair: str, carry: Callable[[Any], Any]) -> None:
    method, batches = train(row, pair, steps=2)
    state, drawn = carry(method.state_dict()), batches.drawn
    resumed, rewound = build(row, pair, seed=1), stream(pair, drawn=drawn)
    resumed.load_state_dict(state)
    for _ in range(2):
        assert bits(resumed.step(rewound)) == bits(method.step(batches))
    assert bits(resumed.state_dict()) == bits(method.state_dict())


@every_row
def test_the_state_survives_a_file(row: str, pair: str) -> None:
    state = train(row, pair)[0].state_dict()
    assert bits(saved(state)) == bits(state)


# ---- adapters and predictors


@every_adapting_row
def test_adapter_keeps_shape_and_range_and_the_images_it_is_given(row: str, pair: str) -> None:
    source = images_of(pair)
    kept = source.clone()
    adapter = train(row, pair)[0].adapter(aside(pair))
    assert adapter is not None
    adapted = adapter(source, generator(0, "test"))
    assert adapted.shape == source.shape
    assert adapted.dtype == source.dtype
    assert -1 <= adapted.min() <= adapted.max() <= 1
    assert not adapted.requires_grad
    assert torch.equal(source, kept)


@every_adapting_row
def test_adapter_is_a_copy_that_later_steps_do_not_reach(row: str, pair: str) -> None:
    method, batches = train(row, pair, steps=1)
    early = method.adapter(aside(pair))
    assert early is not None
    before = bits(early(images_of(pair), generator(0, "test")))
    kept = bits(early.state_dict())
    for _ in range(2):
        method.step(batches)
    late = method.adapter(aside(pair))
    assert late is not None
    assert bits(early(images_of(pair), generator(0, "test"))) == before
    assert bits(early.state_dict()) == kept
    assert bits(late(images_of(pair), generator(0, "test"))) != before


@every_adapting_row
def test_adapter_draws_from_the_given_generator_alone(row: str, pair: str) -> None:
    adapter = train(row, pair)[0].adapter(aside(pair))
    assert adapter is not None
    source, everywhere = images_of(pair), torch.random.get_rng_state()
    first, again = (adapter(source, generator(1, "test")) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(torch.random.get_rng_state(), everywhere)


@every_adapting_row
def test_adapter_depends_on_the_method_and_the_batches_it_is_given_alone(row: str, pair: str) -> None:
    method = train(row, pair)[0]
    before = bits(method.state_dict())
    one, same = (method.adapter(aside(pair)) for _ in range(2))
    assert one is not None
    assert same is not None
    assert bits(one.state_dict()) == bits(same.state_dict())
    assert bits(method.state_dict()) == before


@every_adapting_row
def test_adapter_without_batches_takes_the_weights_of_one_with_batches(row: str, pair: str) -> None:
    trained, blank = train(row, pair)[0].adapter(aside(pair)), build(row, pair, seed=1).adapter(nothing())
    assert isinstance(trained, nn.Module)
    assert isinstance(blank, nn.Module)
    blank.load_state_dict(trained.state_dict())
    one, other = (adapter(images_of(pair), generator(0, "test")) for adapter in (trained, blank))
    assert torch.equal(one, other)


@every_predicting_row
def test_predictor_gives_the_tasks_outputs_from_a_copy(row: str, pair: str) -> None:
    method, batches = train(row, pair, steps=1)
    early = method.predictor()
    assert early is not None
    target = to_unit(loaded(pair).target[:8])
    outputs = early(target)
    assert outputs.shape == (8, loaded(pair).task.outputs)
    assert not outputs.requires_grad
    for _ in range(2):
        method.step(batches)
    late = method.predictor()
    assert late is not None
    assert torch.equal(early(target), outputs)
    assert not torch.equal(late(target), outputs)


@every_judging_row
def test_verdict_is_a_number_an_image_from_a_copy_that_draws_nothing(row: str, pair: str) -> None:
    method, batches = train(row, pair, steps=1)
    early, everywhere = method.verdict(), torch.random.get_rng_state()
    assert early is not None
    images = images_of(pair)
    said = early(images)
    assert said.shape == (8,)
    assert not said.requires_grad
    for _ in range(2):
        method.step(batches)
    late = method.verdict()
    assert late is not None
    assert torch.equal(early(images), said)
    assert not torch.equal(late(images), said)
    assert torch.equal(torch.random.get_rng_state(), everywhere)


def test_gans_have_a_critic_of_images() -> None:
    assert {"simgan", "pixelda"} <= set(JUDGING) <= set(ADAPTING)


@pytest.mark.parametrize(("row", "pair"), [p for p in PLACES if p[0] in ADAPTING])
def test_adapter_paints_an_image_the_same_way_whatever_its_batch_mates_are(row: str, pair: str) -> None:
    adapter, images = train(row, pair, steps=1)[0].adapter(aside(pair)), loaded(pair).source.images
    assert adapter is not None
    asked = steady_adapter(adapter, images[:8], seed=0)
    adapted(adapter, loaded(pair).source.pick(torch.arange(8, 20)), seed=0)
    asked.check()


@pytest.mark.parametrize(("row", "pair"), [p for p in PLACES if p[0] in PREDICTING])
def test_predictor_answers_for_an_image_alone_and_learns_from_none(row: str, pair: str) -> None:
    predictor, images = train(row, pair, steps=1)[0].predictor(), loaded(pair).target
    assert predictor is not None
    asked = steady_predictor(predictor, images[:8], loaded(pair).task.outputs)
    predict(predictor, images[8:20])
    asked.check()


@pytest.mark.parametrize("row", TRAINED)
def test_every_trained_row_gives_an_adapter_or_a_predictor(row: str) -> None:
    assert row in {*ADAPTING, *PREDICTING}


@every_trained_row
def test_asking_midway_does_not_change_training(row: str, pair: str) -> None:
    silent = train(row, pair, steps=3)[0]
    asked, batches = train(row, pair, steps=1)
    if (adapter := asked.adapter(aside(pair))) is not None:
        adapter(images_of(pair), generator(0, "test"))
    if (predictor := asked.predictor()) is not None:
        predictor(images_of(pair))
    if (verdict := asked.verdict()) is not None:
        verdict(images_of(pair))
    asked.state_dict()
    for _ in range(2):
        asked.step(batches)
    assert bits(asked.state_dict()) == bits(silent.state_dict())


# ---- an absent part costs nothing


def passes(row: str, batch: int = BATCH) -> tuple[list[int], list[int]]:
    """Sizes of the batches that pass the refiner's and the critic's trunk in one step."""
    method = built(row, batch)
    method.pretrain(batches := stream(batch=batch))
    refined, judged, trunk = list[int](), list[int](), method.refiner.trunk

    def counted(images: Tensor) -> list[Tensor]:
        refined.append(len(images))
        return trunk(images)

    method.refiner.trunk = counted  # type: ignore[method-assign]
    method.critic.trunk.register_forward_hook(lambda _, inputs, __: judged.append(len(inputs[0])))
    method.step(batches)
    return refined, judged


@every_refiner
def test_a_step_passes_no_image_more_than_its_parts_need(row: str) -> None:
    fresh = BATCH // 2 if built(row).config.history else BATCH
    assert passes(row) == ([BATCH, BATCH, fresh], [BATCH] * 4)


@pytest.mark.parametrize("batch", [2, 5, 9])
def test_with_history_the_critic_step_paints_the_larger_half_only(batch: int) -> None:
    assert passes("simgan", batch) == ([batch, batch, batch - batch // 2], [batch] * 4)


def test_no_history_stores_nothing() -> None:
    assert built("simgan-nohist").state_dict()["history"] == {}
    assert built("simgan").state_dict()["history"]["images"].shape == (2 * BATCH, 1, 12, 12)


@every_refiner
def test_guidance_adds_exactly_its_decoder(row: str) -> None:
    counts = {
        name: sum(parameter.numel() for parameter in network.parameters())
        for name, network in built(row).networks().items()
    }
    places = 3 * 3 if row.endswith("global") else 1  # of the critic's last map that one verdict looks at
    head = 2 * (4 * places + 1)
    plain = {"refiner": 80 + 2 * 2 * (8 * 8 * 9 + 8) + 9, "critic": 120 + 872 + 292 + 20 + head}
    assert counts == plain | {"guidance": 4 * 8 + 8 if row == "simgan-ggdr" else 0}


@every_refiner
def test_rows_of_one_seed_start_from_equal_weights(row: str) -> None:
    ours, simgan = built(row).networks(), built("simgan").networks()
    assert weights(built(row))["refiner"] == weights(built("simgan"))["refiner"]
    assert bits(ours["critic"].trunk.state_dict()) == bits(simgan["critic"].trunk.state_dict())
    same_head = not row.endswith("global")  # a global verdict has a head of its own
    assert (bits(ours["critic"].head.state_dict()) == bits(simgan["critic"].head.state_dict())) == same_head


@every_refiner
def test_rows_of_one_seed_draw_the_same_batches(row: str) -> None:
    ours, simgan = train(row)[1], train("simgan")[1]
    assert ours.drawn == simgan.drawn
    assert torch.equal(ours.random.get_state(), simgan.random.get_state())
