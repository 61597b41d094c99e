"""Snapshots of a run: when they are taken, what is predicted at them, what a record and its files keep."""

import io
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.evaluation.downstream.task_net import TaskTraining, predict
from benchmarks.evaluation.evaluator import Evaluator, adapted, hold_out
from benchmarks.evaluation.features.extractors import load_extractor
from benchmarks.evaluation.samples import film
from benchmarks.evaluation.snapshots import (
    SNAPSHOTS,
    Predictions,
    Snapshot,
    criteria,
    due,
    packed,
    predictions_of,
)
from benchmarks.records.record import RunRecord
from benchmarks.records.selection import entropy
from benchmarks.running import run as running
from benchmarks.studies.runs import runs
from benchmarks.studies.study import Study
from datasets.catalogue import load_pair
from datasets.contract import Classification, ClassificationAndPose
from datasets.tasks.classification import error
from methods.bounds import Identity

CPU = torch.device("cpu")


@cache
def run(row: str) -> tuple[RunRecord, dict[str, bytes]]:
    study = Study(name="test", about="", pairs=("shapes",), rows=(row,), seeds=(0,), scale="smoke")
    return running.run(*runs(study, "cpu"), None, lambda *_: None)


@cache
def evaluator() -> Evaluator:
    pair, held = hold_out(load_pair("shapes"))
    return Evaluator(
        pair=pair,
        validation=held,
        data="shapes",
        extractor=load_extractor("random", CPU),
        training=TaskTraining(steps=20),
    )


@pytest.mark.parametrize(
    ("steps", "window", "expected"),
    [(12, 2, [4, 6, 10, 12]), (600, 20, [160, 300, 460, 600]), (10, 7, [7, 10]), (3, 1, [1, 2, 3])],
)
def test_snapshots_are_spread_over_the_steps_and_the_last_is_the_end(
    steps: int, window: int, expected: list[int]
) -> None:
    ends = [*range(window, steps, window), steps]
    starts = [0, *ends[:-1]]
    assert [end for start, end in zip(starts, ends, strict=True) if due(end, end - start, steps)] == expected


@pytest.mark.parametrize("row", ["simgan", "pixelda", "dann"])
def test_record_holds_every_snapshot_and_the_last_is_what_was_scored(row: str) -> None:
    record, files = run(row)
    assert len(record.checkpoints) == SNAPSHOTS
    own = record.scores.get("own_error")
    assert record.checkpoints[-1]["error"] == (record.scores["error"] if own is None else own)
    assert record.seconds["checkpoints"] > 0
    assert ("film.png" in files) == (row != "dann")


def test_predictions_on_disk_give_the_criteria_again() -> None:
    record, files = run("simgan")
    stored = np.load(io.BytesIO(files["predictions.npz"]))
    assert stored["step"].tolist() == [one["step"] for one in record.checkpoints]
    pair, held = evaluator().pair, evaluator().validation
    for place, one in enumerate(record.checkpoints):
        tested = torch.from_numpy(stored["test"][place].astype(np.float32))
        assert error(tested, pair.test.labels) == one["error"]
        validated = torch.from_numpy(stored["validation"][place].astype(np.float32))
        assert error(validated, held.labels) == one["source_error"]
        assert entropy(np.exp(stored["target"][place].astype(np.float64))) == pytest.approx(
            one["entropy"], rel=1e-5
        )


def test_model_of_a_snapshot_is_the_given_one_the_methods_own_or_one_trained_on_its_images() -> None:
    ev = evaluator()
    trained = ev.trained_on(adapted(Identity(), ev.source, 0), 0)
    other = ev.training.fit(ev.pair.oracle, ev.pair.task, 1)
    images = ev.pair.test.images
    for given, own, expected in ((None, None, trained), (None, other, other), (other, trained, other)):
        predicted = predictions_of(ev, Snapshot(step=3, adapter=Identity(), predictor=own), given, 0)
        assert torch.equal(predicted.test, predict(expected, images))
        assert predicted.step == 3


class Negative(Identity):
    def __call__(self, source: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return -source


def test_held_out_source_is_adapted_where_the_row_adapts() -> None:
    ev = evaluator()
    model = ev.training.fit(ev.source, ev.pair.task, 0)
    for adapter, images in (
        (Negative(), 255 - ev.validation.images),
        (None, ev.validation.images),
    ):
        predicted = predictions_of(ev, Snapshot(step=1, adapter=adapter, predictor=model), None, 0)
        assert torch.equal(predicted.validation, predict(model, images))
        assert torch.equal(
            predicted.target,
            predict(model, ev.pair.target)[torch.randperm(96, generator=torch.Generator().manual_seed(0))],
        )


def test_no_criterion_but_the_error_feels_the_target_labels() -> None:
    ev = evaluator()
    random = torch.Generator().manual_seed(0)
    predicted = Predictions(
        step=5,
        **{
            name: torch.randn(count, 3, generator=random)
            for name, count in (("validation", len(ev.validation)), ("target", 96), ("test", 96))
        },
    )
    turned = replace(ev.pair.test, labels=(ev.pair.test.labels + 1) % 3)
    oracle = replace(ev.pair.oracle, labels=(ev.pair.oracle.labels + 1) % 3)
    one, two = (
        criteria(replace(ev, pair=pair), predicted)
        for pair in (ev.pair, replace(ev.pair, test=turned, oracle=oracle))
    )
    assert {name for name in one if one[name] != two[name]} == {"error"}


def test_packed_predictions_are_log_probabilities() -> None:
    logits = torch.tensor([[1.0, 2.0, 3.0]])
    one = Predictions(step=2, validation=logits, target=logits, test=logits)
    stored = np.load(io.BytesIO(packed([one, replace(one, step=4)], Classification(classes=3))))
    assert stored["step"].tolist() == [2, 4]
    assert stored["test"].shape == (2, 1, 3)
    assert np.exp(stored["test"].astype(np.float64)).sum(2) == pytest.approx(1, abs=1e-3)
    task = Classification(classes=3)
    assert packed([one], task) == packed([one], task)
    posed = ClassificationAndPose(classes=3)
    turned = replace(one, **{name: torch.randn(1, 7) for name in ("validation", "target", "test")})
    stored = np.load(io.BytesIO(packed([turned], posed)))
    assert np.exp(stored["test"].astype(np.float64)).sum(2) == pytest.approx(1, abs=1e-3)


def test_film_shows_source_and_every_snapshot() -> None:
    ev = evaluator()
    painters = [Identity(), Negative(), Identity(), Negative()]
    steps = [Snapshot(step=n, adapter=one, predictor=None) for n, one in enumerate(painters)]
    picture = np.asarray(Image.open(io.BytesIO(film(ev, steps, 0)["film.png"])))
    factor = picture.shape[0] // (5 * 13 + 1)  # images of 12 pixels with a line around each
    rows = [picture[::factor, ::factor][13 * row + 1 : 13 * row + 13, 1:13] for row in range(5)]
    assert np.array_equal(rows[0][..., 0], ev.source.images[0, 0].numpy())
    for row, painter in zip(rows[1:], painters, strict=True):
        expected = rows[0] if type(painter) is Identity else 255 - rows[0]
        assert np.array_equal(row, expected)
    assert film(ev, steps[:3], 0) == {}
