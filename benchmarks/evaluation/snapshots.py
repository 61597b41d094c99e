"""Snapshots of a run: frozen copies of a method's adapter and task model, kept for choosing once training is over.

A record calls them its ``checkpoints``.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.evaluation.downstream.task_net import predict
from benchmarks.evaluation.evaluator import Evaluator, adapted, shuffled
from benchmarks.records.selection import CRITERIA
from datasets.contract import Task
from methods.contract import Adapter, Method, Predictor

SNAPSHOTS = 4  # of a run
MAX_UNLABELLED = 1000  # images of the target whose predictions are kept


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """A method's frozen adapter and task model after ``step`` steps."""

    step: int
    adapter: Adapter | None
    predictor: Predictor | None

    def state_dict(self) -> dict[str, Any]:
        """Return the step and the weights of what is there."""
        return {"step": self.step, **{name: one.state_dict() for name, one in self._networks().items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put the weights of a snapshot of the same step of a like method in place of these."""
        for name, network in self._networks().items():
            network.load_state_dict(state[name])

    def _networks(self) -> dict[str, nn.Module]:
        networks = {}
        for name, part in (("adapter", self.adapter), ("predictor", self.predictor)):
            if part is not None:
                assert isinstance(part, nn.Module), f"the {name} of a snapshot is no network"
                networks[name] = part
        return networks


def snapshot(method: Method, step: int) -> Snapshot:
    """Return a copy of what the method has learnt so far."""
    return Snapshot(step=step, adapter=method.adapter(), predictor=method.predictor())


def due(done: int, count: int, steps: int) -> bool:
    """Say whether the last ``count`` of ``done`` steps crossed one of ``SNAPSHOTS`` equal parts of all ``steps``."""
    return done * SNAPSHOTS // steps > (done - count) * SNAPSHOTS // steps


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """The outputs of a snapshot's task model, N × outputs: on held-out source, unlabelled target and test images."""

    step: int
    validation: Tensor
    target: Tensor
    test: Tensor


def predictions_of(evaluator: Evaluator, one: Snapshot, model: Predictor | None, seed: int) -> Predictions:
    """Return what the row's task model says at a snapshot.

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
    some = target[shuffled(len(target), MAX_UNLABELLED).to(target.device)]
    images = {"validation": held.images, "target": some, "test": evaluator.pair.test.images}
    return Predictions(step=one.step, **{name: predict(model, part) for name, part in images.items()})


def criteria(evaluator: Evaluator, predictions: Predictions) -> dict[str, float]:
    """Return a snapshot as a record holds it: step, headline score, and what the rules of choice go by.

    Criteria that go by probabilities are absent where the task has none.
    """
    task, pair = evaluator.pair.task, evaluator.pair
    logits, headline = task.logits(predictions.target), task.headline
    sure = None if logits is None else logits.double().softmax(1).cpu().numpy()
    return {
        "step": predictions.step,
        headline: task.scores(predictions.test, pair.test.labels)[headline],
        f"source_{headline}": task.scores(predictions.validation, evaluator.validation.labels)[headline],
        **({} if sure is None else {name: criterion(sure) for name, criterion in CRITERIA.items()}),
    }


def packed(predictions: Sequence[Predictions], task: Task) -> bytes:
    """Return what the task model says at all snapshots as an npz file.

    It holds ``step`` and, as float32, C × N × K, log probabilities, or the outputs where the task has no probabilities.
    """
    arrays: dict[str, NDArray[np.generic]] = {"step": np.array([one.step for one in predictions])}
    for name in ("validation", "target", "test"):
        outputs = [getattr(one, name) for one in predictions]
        logits = [one for each in outputs if (one := task.logits(each)) is not None]
        said = torch.stack(logits).float().log_softmax(2) if logits else torch.stack(outputs).float()
        arrays[name] = said.cpu().numpy()
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()
