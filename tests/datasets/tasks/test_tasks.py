"""What the tasks that the suite brings promise, and what a record says of them."""

import json
from dataclasses import fields

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.records import store
from benchmarks.scores.catalogue import SCORES, TaskScores
from datasets.contract import Classification, ClassificationAndPose, Measure, Task
from methods import contract

TASKS: tuple[Classification, ...] = (Classification(classes=3), ClassificationAndPose(classes=3))
each = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)


def labels_of(task: Task) -> Tensor:
    kinds = torch.tensor([0, 1, 2, 0, 1])
    turns = F.normalize(torch.randn(5, 4, generator=torch.Generator().manual_seed(0)), dim=1)
    return torch.column_stack([kinds.float(), turns]) if "pose" in task.name else kinds


def outputs_of(task: Task) -> Tensor:
    return torch.randn(5, task.outputs, generator=torch.Generator().manual_seed(1))


@each
def test_terms_and_scores_are_means_over_images(task: Task) -> None:
    outputs, labels = outputs_of(task), labels_of(task)
    task.check(labels, 5, "here")
    losses = [task.losses(outputs[[place]], labels[[place]]) for place in range(5)]
    for name, term in task.losses(outputs, labels).items():
        assert term.item() == pytest.approx(sum(one[name].item() for one in losses) / 5, rel=1e-5)
    scores = [task.scores(outputs[[place]], labels[[place]]) for place in range(5)]
    for name, score in task.scores(outputs, labels).items():
        assert score == pytest.approx(sum(one[name] for one in scores) / 5)


@each
def test_logits_name_the_classes(task: Classification) -> None:
    sure = torch.cat([10 * F.one_hot(task.classes_of(labels_of(task)), 3), outputs_of(task)[:, 3:]], 1)
    assert task.scores(sure, labels_of(task))["error"] == 0
    assert task.logits(sure).shape == (5, 3)
    assert task.losses(sure, labels_of(task))["class"] < 1e-3
    assert task.counts(labels_of(task)) == {"0": 2, "1": 2, "2": 1}


@each
def test_methods_are_given_a_task(task: contract.Task) -> None:
    problem = contract.Problem(shape=(1, 12, 12), task=task, batch=16, steps=12)
    assert problem.outputs == task.outputs
    assert {field.name for field in fields(problem)} == {"shape", "task", "batch", "steps"}


@pytest.mark.parametrize(("task", "old"), list(zip(TASKS, (store.CLASSES, store.POSES), strict=True)))
def test_old_records_say_what_new_ones_do(task: Task, old: object) -> None:
    assert json.loads(json.dumps(task.plain)) == old


def test_scores_are_titled_from_what_a_record_says() -> None:
    of_poses = TaskScores.of(store.POSES)
    assert list(of_poses.scores.items()) == list(SCORES.items())
    assert TaskScores.of({}) == of_poses
    assert of_poses.compared == ("fid", "error", "own_error")
    of_classes = TaskScores.of(store.CLASSES).scores
    assert {*SCORES} - {*of_classes} == {"angle", "own_angle"}
    assert SCORES["error"].title == "target error %"
    assert SCORES["own_angle"].title == "own model's angle °"
    assert SCORES["label_error"].title == "labels lost %"


def test_a_measure_may_have_no_unit_and_several_words() -> None:
    one = Measure(name="joint_loss", unit="", about="mean loss", span="from 0")
    assert (one.words, one.title) == ("joint loss", "joint loss")
    found = TaskScores.made_of(one).scores
    assert found["joint_loss"].title == "target joint loss"
    assert found["unseen_joint_loss"].title == "target joint loss, unseen classes"
    assert found["label_error"].title == "label drift"
