"""The scores of an adapter on a pair of domains."""

import io
from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.spatial.transform import Rotation
from torch import Tensor

from benchmarks.evaluation.downstream.task_net import TaskTraining, predict
from benchmarks.evaluation.evaluator import (
    MIN_PIXEL_CHANGE,
    NO_LPIPS,
    Evaluator,
    Scores,
    adapted,
    collapse_flags,
    draws,
    hold_out,
)
from benchmarks.evaluation.features.extractors import Extractor, load_extractor
from benchmarks.evaluation.samples import nearest, pictures
from benchmarks.scores.catalogue import SCORES
from benchmarks.scores.diversity import between_draws, between_images, pixel_distance
from benchmarks.scores.frechet import frechet_distance
from benchmarks.scores.kernel import kernel_distance
from datasets.catalogue import PAIRS, load_pair
from datasets.contract import ClassificationAndPose, DomainPair, Labelled, to_unit
from datasets.pairs import fonts_digits
from datasets.tasks.classification import error
from datasets.tasks.pose import angle
from tests.small.data import refusal

TRAINING = TaskTraining(steps=60)
REALISM = ("fid", "fid_limit", "kid", "mind", "precision", "recall", "density", "coverage")
OF_ADAPTER = ("label_error", "refinement", "diversity")
LPIPS = ("lpips_diversity", "lpips_spread")


class Adapt:
    """An adapter from a function of images; it has no randomness."""

    def __call__(self, source: Tensor, generator: torch.Generator) -> Tensor:
        return self.paint(source)

    def paint(self, source: Tensor) -> Tensor:
        return source

    def state_dict(self) -> dict[str, Tensor]:
        return {}


class Constant(Adapt):
    def paint(self, source: Tensor) -> Tensor:
        return torch.full_like(source, 0.2)


class Grain(Adapt):
    def __call__(self, source: Tensor, generator: torch.Generator) -> Tensor:
        return source + 0.3 * torch.rand(source.shape, generator=generator)


class Brighter(Adapt):
    """Adds ``levels`` of 255."""

    def __init__(self, levels: float) -> None:
        self.levels = levels

    def paint(self, source: Tensor) -> Tensor:
        return source + self.levels / 127.5


@cache
def shapes() -> DomainPair:
    return load_pair("shapes")


def evaluator_of(pair: DomainPair) -> Evaluator:
    return Evaluator(
        pair=pair,
        validation=pair.source.pick(torch.arange(6)),
        data=pair.fingerprint,
        extractor=load_extractor("random", torch.device("cpu")),
        training=TRAINING,
    )


@cache
def evaluator() -> Evaluator:
    return evaluator_of(shapes())


@cache
def scores_of_identity() -> Scores:
    return evaluator().score(Adapt(), None, "source", seed=0)


def relabelled(examples: Labelled) -> Labelled:
    return replace(examples, labels=(examples.labels + 1) % 3)


# ---- adapters


def test_identity_changes_nothing_and_keeps_the_judges_own_error() -> None:
    source = shapes().source
    judge = TRAINING.fit(source, shapes().task, seed=0)
    values = scores_of_identity().values
    assert torch.equal(predict(evaluator().judge, source.images), predict(judge, source.images))
    assert values["refinement"] == 0
    assert values["label_error"] == error(predict(judge, source.images), source.labels)
    assert values["label_error"] < 40  # so it is not the error of guessing


def test_scores_are_those_of_their_parts() -> None:
    pair, extractor = shapes(), evaluator().extractor
    adapted_features, real_features = extractor(pair.source.images), extractor(pair.test.images)
    model = TRAINING.fit(pair.source, pair.task, seed=0)
    values = scores_of_identity().values
    assert values["fid"] == pytest.approx(frechet_distance(adapted_features, real_features), rel=1e-6)
    assert values["kid"] == pytest.approx(kernel_distance(adapted_features, real_features), rel=1e-6)
    assert values["error"] == error(predict(model, pair.test.images), pair.test.labels)


def test_constant_image_is_far_from_the_target_and_loses_the_labels() -> None:
    constant = evaluator().score(Constant(), None, "source", seed=0).values
    identity = scores_of_identity().values
    assert constant["fid"] > identity["fid"]
    assert constant["kid"] > identity["kid"]
    assert constant["refinement"] > 0.5
    assert constant["label_error"] == pytest.approx(200 / 3)  # one answer for three equal classes
    assert constant["error"] == pytest.approx(200 / 3)


def test_every_score_of_an_adapter_is_there_and_in_the_catalogue() -> None:
    scores = scores_of_identity()
    assert (
        set(scores.values) == {"error", "spread", "artefacts", *REALISM, *OF_ADAPTER, *LPIPS} <= set(SCORES)
    )
    assert {name for name, value in scores.values.items() if value is None} == set(LPIPS)
    assert scores.blanks == dict.fromkeys(LPIPS, NO_LPIPS)


def test_same_seed_same_scores_other_seed_other_scores() -> None:
    first, again, other = (evaluator_of(shapes()).score(Grain(), None, "source", s) for s in (4, 4, 5))
    assert first.values == again.values
    for name in ("fid", "refinement"):
        assert first.values[name] != other.values[name]


def test_seed_is_felt_by_the_task_model_but_not_by_the_judge() -> None:
    errors = {evaluator().score(Adapt(), None, "source", seed).values["error"] for seed in range(4)}
    assert len(errors) > 1
    other = evaluator().score(Adapt(), None, "source", seed=3).values
    for name in ("fid", "kid", "label_error", "refinement"):
        assert other[name] == scores_of_identity().values[name]


def test_scoring_neither_feels_nor_moves_global_randomness() -> None:
    torch.manual_seed(1)
    first = evaluator_of(shapes()).score(Grain(), None, "source", seed=0)
    torch.manual_seed(2)
    second = evaluator_of(shapes()).score(Grain(), None, "source", seed=0)
    after = torch.get_rng_state()
    assert first.values == second.values
    assert torch.equal(after, torch.manual_seed(2).get_state())


# ---- whose labels are seen


def test_labels_of_the_training_target_do_not_touch_the_scores() -> None:
    blind = replace(shapes(), oracle=relabelled(shapes().oracle))
    seen = evaluator_of(blind).score(Adapt(), None, "source", seed=0)
    assert seen.values == scores_of_identity().values
    upper = evaluator().score(None, None, "target", seed=0).values["error"]
    assert evaluator_of(blind).score(None, None, "target", seed=0).values["error"] > upper + 20


def test_test_labels_touch_nothing_but_the_error_on_them() -> None:
    other = evaluator_of(replace(shapes(), test=relabelled(shapes().test))).score(Adapt(), None, "source", 0)
    same = {name for name, value in scores_of_identity().values.items() if other.values[name] == value}
    assert same == {"spread", "artefacts", *REALISM, *OF_ADAPTER, *LPIPS}


# ---- the upper bound and methods that adapt no image


def test_labelled_target_gives_floors_and_blanks() -> None:
    scores = evaluator().score(Adapt(), None, "target", seed=0)
    pair, extractor = shapes(), evaluator().extractor
    floor = frechet_distance(extractor(pair.target), extractor(pair.test.images))
    model = TRAINING.fit(pair.oracle, pair.task, seed=0)
    assert scores.values["fid"] == pytest.approx(floor, rel=1e-6)
    assert scores.values["fid"] < scores_of_identity().values["fid"]
    assert scores.values["error"] == error(predict(model, pair.test.images), pair.test.labels)
    blank = {name for name, value in scores.values.items() if value is None}
    assert blank == set(scores.blanks) == {*OF_ADAPTER, *LPIPS}
    assert all(scores.blanks.values())


class Reader:
    """A predictor that knows the test images by heart, and answers one class too far for some."""

    def __init__(self, wrong: int) -> None:
        test = shapes().test
        answers = [(label + (place < wrong)) % 3 for place, label in enumerate(test.labels.tolist())]
        self.known = dict(zip((image.tobytes() for image in test.images.numpy()), answers, strict=True))

    def __call__(self, images: Tensor) -> Tensor:
        assert images.dtype == torch.float32
        levels = ((images + 1) * 127.5).round().to(torch.uint8).numpy()
        return torch.eye(3)[[self.known[image.tobytes()] for image in levels]]


@pytest.mark.parametrize(("wrong", "percent"), [(0, 0.0), (24, 25.0)])
def test_method_without_adapter_has_reasons_and_its_own_error(wrong: int, percent: float) -> None:
    scores = evaluator().score(None, Reader(wrong), "source", seed=0)
    assert scores.values == {"own_error": percent, "error": percent} | dict.fromkeys(
        ("spread", "artefacts", *REALISM, *OF_ADAPTER, *LPIPS)
    )
    assert set(scores.blanks) == {"spread", "artefacts", *REALISM, *OF_ADAPTER, *LPIPS}
    assert all(scores.blanks.values())


def test_own_error_stands_beside_the_scores_of_the_adapter() -> None:
    scores = evaluator().score(Adapt(), Reader(24), "source", seed=0)
    assert scores.values == {"own_error": 25.0} | scores_of_identity().values


# ---- what is compared


def test_protocol_says_what_the_scores_were_taken_on() -> None:
    pair = replace(
        shapes(), test=Labelled(images=shapes().test.images[:40], labels=shapes().test.labels[:40])
    )
    assert evaluator_of(pair).protocol == {
        "extractor": "random-conv",
        "images": 40,
        "data": pair.fingerprint,
        "source": 96,
        "validation": 6,
        "target": 96,
        "test": 40,
    }


def test_both_sides_of_fid_have_as_many_different_images() -> None:
    seen: list[Tensor] = []
    spy = Extractor(
        title="spy", features=lambda images: seen.append(images) or to_unit(images).flatten(1), weights="spy"
    )
    few = Labelled(images=shapes().oracle.images[:40], labels=shapes().oracle.labels[:40])
    pair = replace(shapes(), oracle=few, source=shapes().test, test=relabelled(shapes().source))
    spying = replace(evaluator_of(pair), extractor=spy, training=TaskTraining(steps=1))
    spying.score(Adapt(), None, "source", 0)
    assert [len(images) for images in seen] == [40, 40]
    source = next(images for images in seen if images.unique().numel() > 2)  # the grainy side
    assert len({image.tobytes() for image in source.numpy()}) == 40
    assert set(source.flatten(1).sum(1).tolist()) != set(pair.source.images[:40].flatten(1).sum(1).tolist())


@pytest.mark.parametrize(("levels", "change"), [(0.4, 0), (0.6, 1), (-0.6, -1), (300, 255), (-300, -255)])
def test_adapted_images_are_rounded_and_clamped_bytes(levels: float, change: int) -> None:
    source = shapes().test
    painted = adapted(Brighter(levels), source, seed=0, batch=7)
    assert painted.images.dtype == torch.uint8
    assert torch.equal(painted.images.int(), (source.images.int() + change).clamp(0, 255))
    assert torch.equal(painted.labels, source.labels)
    assert painted.masks is source.masks


def test_scores_carry_the_images_they_were_taken_on() -> None:
    scores = evaluator().score(Grain(), None, "source", seed=3)
    painted = adapted(Grain(), shapes().source, seed=3).images
    assert scores.adapted is not None
    assert torch.equal(scores.adapted, painted)
    assert scores.values["refinement"] == pixel_distance(shapes().source.images, painted).mean()
    assert evaluator().score(Adapt(), None, "target", seed=3).adapted is None
    assert evaluator().score(None, Reader(0), "source", seed=3).adapted is None


def test_pixel_distance_is_the_mean_change_of_a_pixel() -> None:
    random = torch.Generator().manual_seed(0)
    one, two = (torch.randint(256, (2, 3, 4, 5), generator=random, dtype=torch.uint8) for _ in range(2))
    for a, b, found in zip(one, two, pixel_distance(one, two), strict=True):
        pixels = zip(a.flatten().tolist(), b.flatten().tolist(), strict=True)
        assert found == pytest.approx(sum(abs(p / 127.5 - q / 127.5) for p, q in pixels) / 60, rel=1e-6)
    assert pixel_distance(torch.zeros_like(one), torch.full_like(one, 255)).tolist() == [2, 2]


def test_only_a_trained_adapter_can_collapse() -> None:
    values = scores_of_identity().values
    assert collapse_flags(values, trained=True) == ("identity collapse",)
    assert collapse_flags(values, trained=False) == ()
    assert collapse_flags({"refinement": MIN_PIXEL_CHANGE * 0.99}, trained=True) == ("identity collapse",)
    assert collapse_flags({"refinement": MIN_PIXEL_CHANGE * 1.01}, trained=True) == ()
    assert collapse_flags({"refinement": None}, trained=True) == ()
    assert collapse_flags({"refinement": 0.3, "spread": 0.0}, trained=True) == ("constant output",)
    assert collapse_flags({"refinement": 0.3, "spread": MIN_PIXEL_CHANGE * 1.01}, trained=True) == ()
    assert collapse_flags({}, trained=True) == ()


# ---- the picture beside a record


def cells(file: bytes, rows: int, size: int) -> list[list[np.ndarray]]:
    """Return the images of a picture of ``rows`` × 16, each size × size × 3."""
    picture = np.asarray(Image.open(io.BytesIO(file)))
    factor = picture.shape[0] // (rows * (size + 1) + 1)
    small = picture[::factor, ::factor]
    assert small.shape == (rows * (size + 1) + 1, 16 * (size + 1) + 1, 3)
    starts = [place * (size + 1) + 1 for place in range(16)]
    return [[small[top : top + size, left : left + size] for left in starts] for top in starts[:rows]]


def shown(images: Tensor) -> list[np.ndarray]:
    """Return the 16 of the images that a picture shows."""
    chosen = [images[place * len(images) // 16] for place in range(16)]
    return [image.expand(3, -1, -1).permute(1, 2, 0).numpy() for image in chosen]


@pytest.mark.parametrize("name", ["shapes", "digits-photos"])
def test_pictures_show_source_adapted_real_and_nearest_images(name: str) -> None:
    pair = load_pair(name)
    inverted = 255 - pair.source.images
    scores = Scores(values={"diversity": 0.0}, adapted=inverted, model=Reader(0))
    files = pictures(evaluator_of(pair), Adapt(), scores, seed=0)
    assert set(files) == {"samples.png", "neighbours.png"}
    size = pair.shape[1]
    expected = [shown(images) for images in (pair.source.images, inverted, pair.target)]
    assert np.array_equal(cells(files["samples.png"], 3, size), expected)
    painted, near = cells(files["neighbours.png"], 2, size)
    assert np.array_equal(painted, expected[1])
    targets = pair.target.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).numpy().astype(np.int64)
    for one, found in zip(painted, near, strict=True):
        distances = ((targets - one) ** 2).sum((1, 2, 3))
        assert np.array_equal(found, targets[distances.argmin()])


def test_pictures_of_a_drawing_adapter_show_its_draws() -> None:
    scores = evaluator().score(Grain(), None, "source", seed=3)
    files = pictures(evaluator(), Grain(), scores, seed=3)
    source, *drawn = cells(files["draws.png"], 7, 12)
    assert np.array_equal(source, shown(shapes().source.images))
    assert len({np.stack(row).tobytes() for row in drawn}) == 6


def test_nearest_looks_at_every_image_whatever_the_batch() -> None:
    target = shapes().target
    wanted = target[[95, 3, 40]].int().add(1).clamp(max=255).to(torch.uint8)
    assert torch.equal(nearest(wanted, target, batch=7), target[[95, 3, 40]])


# ---- randomness of an adapter


def test_diversity_is_the_mean_difference_of_two_draws() -> None:
    source = shapes().source.images[:5]
    drawn = draws(Grain(), source, seed=1)
    assert drawn.shape == (8, *source.shape)
    gaps = [np.abs(to_unit(one).numpy() - to_unit(two).numpy()).mean() for one, two in combinations(drawn, 2)]
    assert between_draws(drawn, pixel_distance) == pytest.approx(np.mean(gaps), rel=1e-5)
    assert between_draws(draws(Adapt(), source, seed=1), pixel_distance) == 0


def test_spread_is_the_mean_difference_of_two_images() -> None:
    pair = shapes().target[:2]
    gap = np.abs(to_unit(pair[0]).numpy() - to_unit(pair[1]).numpy()).mean()
    assert between_images(pair, pixel_distance) == pytest.approx(gap, rel=1e-5)
    assert between_images(pair[:1].expand(9, -1, -1, -1), pixel_distance) == 0
    assert evaluator().score(Constant(), None, "source", seed=0).values["spread"] == 0


# ---- source kept back for validation


def test_a_tenth_of_the_source_is_held_out() -> None:
    pair, held = hold_out(shapes())
    assert (len(pair.source), len(held)) == (87, 9)
    images = torch.cat([pair.source.images, held.images])
    labels = torch.cat([pair.source.labels, held.labels])
    known = {image.tobytes(): label for image, label in zip(images.numpy(), labels, strict=True)}
    for image, label in zip(shapes().source.images.numpy(), shapes().source.labels, strict=True):
        assert known[image.tobytes()] == label
    assert torch.equal(hold_out(shapes())[1].images, held.images)
    many = shapes().source.pick(torch.arange(96).repeat(130))
    assert len(hold_out(replace(shapes(), source=replace(many, groups=None)))[1]) == 1000


@pytest.mark.parametrize("name", [name for name, entry in PAIRS.items() if not entry.needs])
def test_no_image_for_validation_has_a_sibling_that_is_learnt_from(name: str) -> None:
    whole = load_pair(name)
    pair, held = hold_out(whole)
    assert 0.08 < len(held) / len(whole.source) < 0.14
    learnt, kept = ({image.tobytes() for image in part.images.numpy()} for part in (pair.source, held))
    assert not learnt & kept
    if name == "fonts-digits":
        per_font = whole.source.images.split(10 * fonts_digits.VARIANTS_PER_GLYPH)
        fonts = [{image.tobytes() for image in images.numpy()} for images in per_font]
        assert not [font for font in fonts if font & learnt and font & kept]


def test_whole_groups_are_held_out() -> None:
    source = shapes().source
    for sizes, expected in (([32] * 3, {32}), ([4] * 24, {8}), ([80, 16], {16}), ([1] * 96, {9})):
        groups = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes)).flip(0)
        pair, held = hold_out(replace(shapes(), source=replace(source, groups=groups)))
        assert held.groups is not None
        assert pair.source.groups is not None
        assert len(held) in expected
        assert not set(held.groups.tolist()) & set(pair.source.groups.tolist())
        assert len(held) + len(pair.source) == 96
    one = replace(source, groups=torch.zeros(96, dtype=torch.int64))
    said = refusal(lambda: hold_out(replace(shapes(), source=one)))
    assert said == "pair 'shapes': the source has 1 group; allowed: two or more, so that one can be held out."


# ---- large sources, unseen classes, labelled target images


def test_of_a_large_source_only_some_images_are_adapted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.evaluation.evaluator.MIN_ADAPTED", 10)
    training = TaskTraining(steps=2, batch=64)  # 128 draws, each image 4 times
    large = replace(evaluator(), training=training)
    scores = large.score(Adapt(), None, "source", seed=0)
    assert scores.adapted is not None
    assert len(scores.adapted) == 32 == large.protocol["adapted"] == large.images
    known = {
        image.tobytes(): label
        for image, label in zip(shapes().source.images.numpy(), shapes().source.labels, strict=True)
    }
    for image, label in zip(large.source.images.numpy(), large.source.labels, strict=True):
        assert known[image.tobytes()] == label
    assert "adapted" not in evaluator().protocol


def test_error_on_unseen_classes_is_that_of_their_test_images() -> None:
    pair = shapes()
    oracle = pair.oracle.pick(pair.oracle.labels < 2)
    scores = evaluator_of(replace(pair, oracle=oracle, seen=(0, 1))).score(None, Reader(24), "source", seed=0)
    wrong = [place for place in range(24) if pair.test.labels[place] == 2]
    assert scores.values["own_error"] == 25
    assert scores.values["unseen_error"] == pytest.approx(
        100 * len(wrong) / int((pair.test.labels == 2).sum())
    )


def test_labelled_target_images_teach_the_task_model() -> None:
    pair = shapes()
    alone = TRAINING.fit(pair.source, pair.task, seed=0)
    helped = TRAINING.fit(pair.source, pair.task, seed=0, more=pair.oracle)
    errors = [error(predict(model, pair.test.images), pair.test.labels) for model in (alone, helped)]
    assert errors[1] < errors[0]
    with_some = evaluator_of(
        replace(
            pair, labelled=pair.oracle.pick(torch.arange(48)), oracle=pair.oracle.pick(torch.arange(48, 96))
        )
    )
    expected = TRAINING.fit(pair.source, pair.task, seed=0, more=with_some.pair.labelled)
    assert with_some.score(Adapt(), None, "source", 0).values["error"] == error(
        predict(expected, pair.test.images), pair.test.labels
    )


# ---- an adapter with noise


class Lucky(Adapt):
    """Paints each image as it is with a chance of a tenth, else white."""

    def __call__(self, source: Tensor, generator: torch.Generator) -> Tensor:
        kept = torch.rand(len(source), generator=generator) < 0.1
        return torch.where(kept[:, None, None, None], source, 1.0)


def seen_by_task_model(adapter: Adapt, monkeypatch: pytest.MonkeyPatch) -> list[Labelled]:
    """The pools of examples that the task model is given, in order of their first use."""
    pools, draw = list[Labelled](), TaskTraining._draw

    def watched(
        self: TaskTraining, examples: Labelled, more: Labelled | None, random: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        if not any(examples is known for known in pools):
            pools.append(examples)
        return draw(self, examples, more, random)

    with monkeypatch.context() as patch:
        patch.setattr(TaskTraining, "_draw", watched)
        ev = evaluator()
        examples = adapted(adapter, ev.source, 0)
        ev.trained_on(examples, 0, ev.redrawn(adapter, 0))
    assert pools[0] is examples
    return pools


def test_task_model_sees_new_draws_of_a_noisy_adapter_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    pools, again = (seen_by_task_model(Grain(), monkeypatch) for _ in range(2))
    epoch = -(-len(evaluator().source) // TRAINING.batch)
    assert len(pools) == -(-TRAINING.steps // epoch) > 5
    for one, other in combinations(pools, 2):
        assert (one.images != other.images).float().mean() > 0.5
    for one, same in zip(pools, again, strict=True):
        assert one.images.dtype == torch.uint8
        assert torch.equal(one.images, same.images)
        assert torch.equal(one.labels, evaluator().source.labels)
    assert len(seen_by_task_model(Brighter(3), monkeypatch)) == 1


def test_many_draws_teach_where_one_does_not() -> None:
    ev = evaluator()
    examples = adapted(Lucky(), ev.source, 0)
    one = ev.training.fit(examples, ev.pair.task, 0)
    many = ev.trained_on(examples, 0, ev.redrawn(Lucky(), 0))
    errors = [error(predict(model, ev.source.images), ev.source.labels) for model in (one, many)]
    assert errors[1] < errors[0] - 10
    assert ev.score(Lucky(), None, "source", 0).values["error"] == error(
        predict(many, ev.pair.test.images), ev.pair.test.labels
    )


# ---- poses


def test_scores_of_a_pose_are_class_error_and_mean_angle() -> None:
    random = torch.Generator().manual_seed(0)
    true = torch.nn.functional.normalize(torch.randn(6, 4, generator=random), dim=1)
    labels = torch.cat([torch.tensor([[0.0], [1], [2], [0], [1], [2]]), true], 1)
    guess = torch.randn(6, 7, generator=random)
    scores = ClassificationAndPose(classes=3).scores(guess, labels)
    hats = np.tanh(guess[:, 3:].double().numpy())
    hats /= np.linalg.norm(hats, axis=1, keepdims=True)
    turns = [
        (
            Rotation.from_quat(a, scalar_first=True).inv() * Rotation.from_quat(b, scalar_first=True)
        ).magnitude()
        for a, b in zip(true.double().numpy(), hats, strict=True)
    ]
    assert scores["angle"] == pytest.approx(np.degrees(np.mean(turns)), rel=1e-4)
    assert scores["error"] == error(guess[:, :3], labels[:, 0].long())


def test_angle_does_not_see_the_sign_of_a_quaternion() -> None:
    outputs = torch.tensor([[0.0, 3.0, 0.0, 0.0, 0.0]])
    for sign in (1, -1):
        assert angle(outputs, torch.tensor([[0.0, sign, 0, 0, 0]])) == pytest.approx(0, abs=1e-3)
    half = 0.5**0.5
    assert angle(outputs, torch.tensor([[0.0, half, half, 0, 0]])) == pytest.approx(90, abs=1e-3)
