"""What a run looked like on its way: copies of a method's adapter and task model, judged once training is over."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.evaluation.downstream.task_net import predict
from benchmarks.evaluation.evaluator import Evaluator, adapted, shuffled
from benchmarks.records.selection import CRITERIA
from datasets.contract import Task
from methods.contract import Adapter, Method, Predictor

COUNT, UNLABELLED = 4, 1000


@dataclass(frozen=True, kw_only=True, eq=False)
class Checkpoint:
    """A method's frozen adapter and task model after ``step`` steps."""

    step: int
    adapter: Adapter | None
    predictor: Predictor | None


def checkpoint(method: Method, step: int) -> Checkpoint:
    """Return a copy of what the method has learnt so far."""
    return Checkpoint(step=step, adapter=method.adapter(), predictor=method.predictor())


def due(done: int, count: int, steps: int) -> bool:
    """Say whether the last ``count`` of ``done`` steps crossed one of ``COUNT`` equal parts of all ``steps``."""
    return done * COUNT // steps > (done - count) * COUNT // steps


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """The outputs of a checkpoint's task model, N × outputs: on held-out source, unlabelled target and test images."""

    step: int
    validation: Tensor
    target: Tensor
    test: Tensor


def judge(evaluator: Evaluator, one: Checkpoint, model: Predictor | None, seed: int) -> Judged:
    """Return what the row's task model says at a checkpoint.

    That is ``model`` where it is given, else the method's own, else one trained on what the adapter paints. Held-out
    source images are adapted where the row adapts.
    """
    held = evaluator.validation
    if one.adapter is not None:
        held = adapted(one.adapter, held, seed)
    model = model or one.predictor
    if model is None:
        assert one.adapter is not None, "a method without adapter has a task model of its own"
        model = evaluator.trained_on(adapted(one.adapter, evaluator.source, seed), seed)
    target = evaluator.pair.target
    some = target[shuffled(len(target), UNLABELLED).to(target.device)]
    images = {"validation": held.images, "target": some, "test": evaluator.pair.test.images}
    return Judged(step=one.step, **{name: predict(model, part) for name, part in images.items()})


def criteria(evaluator: Evaluator, judged: Judged) -> dict[str, float]:
    """Return a checkpoint as a record holds it: step, headline score, and what the rules of choice go by.

    Criteria that go by probabilities are absent where the task has none.
    """
    task, pair = evaluator.pair.task, evaluator.pair
    logits, headline = task.logits(judged.target), task.headline
    sure = None if logits is None else logits.double().softmax(1).cpu().numpy()
    return {
        "step": judged.step,
        headline: task.scores(judged.test, pair.test.labels)[headline],
        f"source_{headline}": task.scores(judged.validation, evaluator.validation.labels)[headline],
        **({} if sure is None else {name: criterion(sure) for name, criterion in CRITERIA.items()}),
    }


def packed(judged: Sequence[Judged], task: Task) -> bytes:
    """Return what the task model says at all checkpoints as an npz file.

    It holds ``step`` and, as float32, C × N × K, log probabilities, or the outputs where the task has no probabilities.
    """
    arrays: dict[str, NDArray[np.generic]] = {"step": np.array([one.step for one in judged])}
    for name in ("validation", "target", "test"):
        outputs = [getattr(one, name) for one in judged]
        logits = [one for each in outputs if (one := task.logits(each)) is not None]
        said = torch.stack(logits).float().log_softmax(2) if logits else torch.stack(outputs).float()
        arrays[name] = said.cpu().numpy()
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()
