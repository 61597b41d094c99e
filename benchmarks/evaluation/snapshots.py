"""Snapshots of a run: frozen copies of a method's adapter, task model and critic, kept for choosing once training is over."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.evaluation.downstream.task_net import predict
from benchmarks.evaluation.evaluator import Evaluator, adapted, fixed_subset
from benchmarks.records.selection import CRITERIA
from datasets.contract import Task
from methods.contract import Adapter, Batch, Method, Predictor, Verdict

SNAPSHOTS = 4  # of a run
MAX_UNLABELLED = 1000  # images of the target whose predictions are kept


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """A method's frozen adapter, task model and critic after ``step`` steps."""

    step: int
    adapter: Adapter | None
    predictor: Predictor | None
    verdict: Verdict | None = None

    def state_dict(self) -> dict[str, Any]:
        """Return the step, and the weights of the networks that are there."""
        return {"step": self.step, **{name: one.state_dict() for name, one in self._networks().items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take the weights from the state of another snapshot; its method must have the same networks."""
        for name, network in self._networks().items():
            network.load_state_dict(state[name])

    def _networks(self) -> dict[str, nn.Module]:
        networks = {}
        for name in ("adapter", "predictor", "verdict"):
            if (part := getattr(self, name)) is not None:
                assert isinstance(part, nn.Module), f"the {name} of a snapshot is no network"
                networks[name] = part
        return networks


def snapshot(method: Method, step: int, batches: Iterator[Batch]) -> Snapshot:
    """Return copies of the method's adapter, task model and critic as they are now; ``batches`` are those of ``adapter``."""
    return Snapshot(
        step=step,
        adapter=method.adapter(batches),
        predictor=method.predictor(),
        verdict=method.verdict(),
    )


def due(done: int, count: int, steps: int) -> bool:
    """Return whether one of ``SNAPSHOTS`` equal parts of all ``steps`` ended in the last ``count`` of ``done`` steps."""
    return done * SNAPSHOTS // steps > (done - count) * SNAPSHOTS // steps


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """The outputs, N × outputs, of a snapshot's task model on held-out source, unlabelled target and test images."""

    step: int
    validation: Tensor
    target: Tensor
    test: Tensor


def predictions_of(evaluator: Evaluator, one: Snapshot, model: Predictor | None, seed: int) -> Predictions:
    """Return the predictions of the row's task model at a snapshot.

    The task model is ``model`` if given, else the method's own, else a model trained on adapted source. Held-out source
    images are adapted if the snapshot has an adapter.
    """
    held = evaluator.validation
    if one.adapter is not None:
        held = adapted(one.adapter, held, seed)
    model = model or one.predictor
    if model is None:
        assert one.adapter is not None, "a method without adapter has a task model of its own"
        examples = adapted(one.adapter, evaluator.source, seed)
        model = evaluator.trained_on(examples, seed, evaluator.redrawn(one.adapter, seed))
    target = evaluator.pair.target
    some = target[fixed_subset(len(target), MAX_UNLABELLED).to(target.device)]
    images = {"validation": held.images, "target": some, "test": evaluator.pair.test.images}
    return Predictions(step=one.step, **{name: predict(model, part) for name, part in images.items()})


def criteria(evaluator: Evaluator, predictions: Predictions) -> dict[str, float]:
    """Return a snapshot as a record holds it: step, headline score, and the criteria of the selection rules.

    Criteria on probabilities are absent if the task has no probabilities.
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
    """Return the predictions at all snapshots as an npz file.

    It holds ``step`` and, for each split, log probabilities (float32, snapshots × N × classes). Outputs take their place
    if the task has no probabilities.
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
