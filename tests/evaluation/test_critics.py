"""What a run's critics tell apart: toy critics that go by brightness, and adapters that paint one grey."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import Tensor, nn

from benchmarks.evaluation.critics import NO_CRITIC, ONE_SNAPSHOT, critic_scores, judged
from benchmarks.evaluation.downstream.task_net import TaskTraining
from benchmarks.evaluation.evaluator import Evaluator, hold_out
from benchmarks.evaluation.features.extractors import load_extractor
from benchmarks.evaluation.promises import Diverged
from benchmarks.evaluation.snapshots import Snapshot
from benchmarks.records.record import RunRecord
from benchmarks.running import run as running
from benchmarks.studies.runs import runs
from benchmarks.studies.study import Study
from datasets.catalogue import load_pair
from datasets.sealing import SealBroken, seal


class Grey(nn.Module):
    def __init__(self, level: float) -> None:
        super().__init__()
        self.level = level

    def forward(self, source: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return torch.full_like(source, self.level)


class Brightness(nn.Module):
    """The nearer to a grey, the more adapted."""

    def __init__(self, level: float) -> None:
        super().__init__()
        self.level = level

    def forward(self, images: Tensor) -> Tensor:
        return -(images.mean((1, 2, 3)) - self.level).abs()


@cache
def evaluator() -> Evaluator:
    pair, held = hold_out(load_pair("shapes"))
    return Evaluator(
        pair=replace(pair, oracle=None, unlabelled=torch.full_like(pair.target, 128)),
        validation=held,
        data="shapes",
        extractor=load_extractor("random", torch.device("cpu")),
        training=TaskTraining(steps=20),
    )


def snapshots(*levels: tuple[float, float]) -> list[Snapshot]:
    """Return snapshots that paint the first grey and whose critic looks for the second."""
    return [
        Snapshot(step=step, adapter=Grey(paints), predictor=None, verdict=Brightness(sought))
        for step, (paints, sought) in enumerate(levels, start=1)
    ]


def scores(*levels: tuple[float, float]) -> tuple[dict[str, float | None], Sequence[float]]:
    """Return the scores of a run and the AUC of each snapshot; real images are of the grey 0."""
    found = critic_scores(evaluator(), snapshots(*levels), 0)
    return dict(found.values), [one["critic_auc"] for one in found.by_snapshot]


def test_a_critic_that_knows_the_present_alone_forgets() -> None:
    values, own = scores((-0.5, -0.5), (-0.5, -0.5), (0.5, 0.5))
    assert own == [1, 1, 1]
    assert values == {
        "critic_auc": 1,
        "forgetting": 1,
    }  # what was painted at -0.5 is farther from 0.5 than real is


def test_a_critic_that_tells_earlier_images_best_does_not_forget() -> None:
    values, own = scores((0.9, 0.9), (0.0, 0.9))
    assert own == [1, 0.5]
    assert values == {"critic_auc": 0.5, "forgetting": -0.5}


def test_one_snapshot_has_no_earlier_images() -> None:
    found = critic_scores(evaluator(), snapshots((0.9, 0.9)), 0)
    assert found.values == {"critic_auc": 1, "forgetting": None}
    assert found.blanks == {"forgetting": ONE_SNAPSHOT}


def test_a_method_without_critic_has_blanks_with_a_reason() -> None:
    alone = [Snapshot(step=step, adapter=Grey(0), predictor=None) for step in (1, 2)]
    found = critic_scores(evaluator(), alone, 0)
    assert found.values == {"critic_auc": None, "forgetting": None}
    assert set(found.blanks.values()) == {NO_CRITIC}
    assert found.by_snapshot == [{}, {}]


def test_a_critic_runs_sealed() -> None:
    labels = seal(load_pair("shapes")).test

    def peeping(images: Tensor) -> Tensor:
        return labels.labels[: len(images)].float()

    with pytest.raises(SealBroken):
        judged(peeping, load_pair("shapes").target)  # type: ignore[arg-type]


@cache
def record(row: str) -> RunRecord:
    study = Study(name="test", about="", pairs=("shapes",), rows=(row,), seeds=(0,), scale="smoke")
    return running.run(*runs(study, "cpu"), None, lambda *_: None)[0]


def test_verdicts_that_are_not_finite_are_not_ranked() -> None:
    with pytest.raises(Diverged, match="the critic's verdicts are not finite"):
        judged(lambda images: images.mean((1, 2, 3)) / 0, load_pair("shapes").target)  # type: ignore[arg-type]


@pytest.mark.parametrize("row", ["simgan", "pixelda"])
def test_a_record_holds_the_scores_of_its_critics(row: str) -> None:
    ran = record(row)
    assert ran.scores["critic_auc"] == ran.snapshots[-1]["critic_auc"]
    assert all(0 <= one["critic_auc"] <= 1 for one in ran.snapshots)
    forgetting = ran.scores["forgetting"]
    assert forgetting is not None
    assert -1 <= forgetting <= 1


@pytest.mark.parametrize("row", ["source-only", "dann"])
def test_a_record_says_that_a_row_has_no_critic(row: str) -> None:
    ran = record(row)
    assert ran.scores["critic_auc"] is ran.scores["forgetting"] is None
    assert ran.blanks["forgetting"] == NO_CRITIC
    assert not any("critic_auc" in one for one in ran.snapshots)
