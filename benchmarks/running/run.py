"""One RunSpec → one RunRecord: the only place where a method meets data.

Training, evaluation and description are separate; the caller writes the record.
"""

import math
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from benchmarks.evaluation.critics import CriticScores, critic_scores
from benchmarks.evaluation.downstream.task_net import TaskTraining
from benchmarks.evaluation.evaluator import Evaluator, Scores, collapse_flags, hold_out
from benchmarks.evaluation.features.extractors import load_extractor
from benchmarks.evaluation.features.perceptual import load_perceptual
from benchmarks.evaluation.promises import BrokenPromise, DataChanged, Diverged, check_labels_wanted
from benchmarks.evaluation.samples import film, pictures
from benchmarks.evaluation.snapshots import Predictions, Snapshot, criteria, packed, predictions_of
from benchmarks.evaluation.steadiness import steady
from benchmarks.records.record import DIVERGED, FAILED, OK, RunRecord
from benchmarks.records.store import PREDICTIONS
from benchmarks.running.adapters import FILE as ADAPTER
from benchmarks.running.adapters import pack
from benchmarks.running.batches import Batches
from benchmarks.running.clock import wait_for
from benchmarks.running.memory import keep_freed_memory
from benchmarks.running.provenance import describe
from benchmarks.running.reproducible import settled
from benchmarks.running.training import Training, TrainingState, Watch, problem_of, train
from benchmarks.studies.scales import Scale
from benchmarks.studies.study import RunSpec
from datasets.catalogue import PAIRS, load_pair
from datasets.sealing import closed, seal
from methods.contract import Config
from methods.recipes import config_of
from mistakes import UserMistake

MIN_IMAGES = 12


@lru_cache(maxsize=2)
def evaluator_for(
    pair: str, extractor: str, task_steps: int, device: torch.device, data: Path | None
) -> Evaluator:
    """Return the evaluator of a pair, with a copy of the pair on the device; the latest two are kept for later runs.

    Raises :class:`UserMistake` for a pair of fewer than ``MIN_IMAGES`` images in a split.
    """
    whole = load_pair(pair, data)
    domains, validation = hold_out(whole)
    evaluator = Evaluator(
        pair=seal(domains.to(device)),
        validation=validation.to(device),
        data=whole.fingerprint,
        extractor=load_extractor(extractor, device, data),
        training=TaskTraining(steps=task_steps),
        perceptual=load_perceptual(device, data),
    )
    if evaluator.images < MIN_IMAGES:
        raise UserMistake(
            f"pair {pair!r} has {evaluator.images} images in its smallest split once a tenth of the source is held out; "
            f"allowed: at least {MIN_IMAGES}, so that halves of the test images can be compared."
        )
    _ = evaluator.unchanged  # from here on
    return evaluator


def run(spec: RunSpec, data: Path | None, watch: Watch) -> tuple[RunRecord, dict[str, bytes]]:
    """Train and evaluate one run; return its record and the contents of the files beside it, by name.

    ``watch(step, steps, terms)`` is called after every timed window except a window that diverges. A failed or diverged
    run gives a record with that status. Only a :class:`UserMistake` is raised, since it would fail every other run too.
    """
    with settled(spec.reproducible):
        return _ended(spec, data, watch)


def _ended(spec: RunSpec, data: Path | None, watch: Watch) -> tuple[RunRecord, dict[str, bytes]]:
    """Do as :func:`run` in a process that is settled; the host of a failed run is recorded there too."""
    keep_freed_memory()
    config = config_of(spec.settings)
    curve: list[Mapping[str, float]] = []

    def seen(step: int, steps: int, terms: Mapping[str, float]) -> None:
        curve.append(terms)
        watch(step, steps, terms)

    try:
        evaluator = _evaluator(spec, data)
        try:
            return _run(spec, config, evaluator, seen)
        finally:
            evaluator.unchanged.check()  # after a failure too: later runs would read the same data
    except UserMistake:
        raise
    except Diverged as error:
        return _unfinished(spec, config, DIVERGED, str(error), tuple(curve)), {}
    except BrokenPromise as error:
        if isinstance(error, DataChanged):
            evaluator_for.cache_clear()
        return _unfinished(spec, config, FAILED, str(error)), {}
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        said = " ".join(str(error).split())[:300]  # notes of tables are one line each
        reason = f"{type(error).__name__}: {said} ({Path(where.filename).name}:{where.lineno})"
        return _unfinished(spec, config, FAILED, reason), {}


def _evaluator(spec: RunSpec, data: Path | None) -> Evaluator:
    """Return the evaluator of a spec; raises :class:`UserMistake` if the spec was planned on other data."""
    task_steps, device = Scale.of(spec.budget).task_steps, torch.device(spec.device)
    evaluator = evaluator_for(spec.pair, spec.extractor, task_steps, device, data)
    if PAIRS[spec.pair].edition != spec.edition:
        raise UserMistake(
            f"run {spec.id!r} was planned on other data than its pair has now; allowed: a new plan of the study."
        )
    return evaluator


def _run(
    spec: RunSpec, config: Config, evaluator: Evaluator, watch: Watch
) -> tuple[RunRecord, dict[str, bytes]]:
    device, scale, pair = torch.device(spec.device), Scale.of(spec.budget), evaluator.pair
    problem = problem_of(pair, scale)
    batches = Batches(pair, problem.batch, spec.seed)
    with closed():
        method = config.build(problem, device, spec.seed)
        check_labels_wanted(config, method)
        trained = bool(method.networks())
        training = train(TrainingState(method, batches, device), scale, watch) if trained else Training()
        adapter, predictor = method.adapter(batches.aside("adapter")), method.predictor()
        parameters = {name: _count(network.parameters()) for name, network in method.networks().items()}
    evaluator.unchanged.check()
    start = time.perf_counter()
    asked = steady(evaluator, adapter, predictor, spec.seed)
    scores = evaluator.score(adapter, predictor, config.TRAINS_ON, spec.seed)
    snapshots = training.snapshots or (Snapshot(step=0, adapter=adapter, predictor=None),)
    critics = critic_scores(evaluator, snapshots, spec.seed)
    scores = _joined(scores, critics)
    wait_for(device)
    scored = time.perf_counter()
    _refuse_broken({"score": scores.values, "floor": evaluator.floor})
    predictions = _predictions(evaluator, snapshots, scores, spec.seed)
    wait_for(device)
    times = {"evaluation": scored - start, "checkpoints": time.perf_counter() - scored}
    measured = _measured(evaluator, training, scores, critics, predictions, times)
    _refuse_broken({f"after step {one['step']}, criterion": one for one in measured["snapshots"]})
    record = RunRecord(
        id=spec.id,
        spec=spec.plain,
        status=OK,
        bound=config.BOUND,
        flags=collapse_flags(scores.values, trained),
        parameters=parameters,
        **measured,
        **describe(device),
    )
    files = {PREDICTIONS: packed(predictions, pair.task)} if predictions else {}
    if trained and adapter is not None:
        files |= pictures(evaluator, adapter, scores, spec.seed)
        files |= film(evaluator, training.snapshots, spec.seed)
        with closed():
            files[ADAPTER] = pack(adapter, spec, problem)
    for one in asked:
        one.check()
    return record, files


def _measured(
    evaluator: Evaluator,
    training: Training,
    scores: Scores,
    critics: CriticScores,
    predictions: Sequence[Predictions],
    times: Mapping[str, float],
) -> dict[str, Any]:
    """Return the fields of a record that training and evaluation fill."""
    return {
        "scores": scores.values,
        "blanks": scores.blanks,
        "intervals": {name: list(edges) for name, edges in scores.intervals.items()},
        "floor": evaluator.floor,
        "task": evaluator.pair.task.plain,
        "protocol": evaluator.protocol,
        "step_ms": training.step_ms,
        "images_per_step": training.images_per_step,
        "seconds": {**training.seconds, **times},
        "peak_mib": training.peak_mib,
        "curve": training.curve,
        "snapshots": tuple(
            {**criteria(evaluator, one), **auc}
            for one, auc in zip(predictions, critics.by_snapshot, strict=False)  # a bound may predict nothing
        ),
    }


def _joined(scores: Scores, critics: CriticScores) -> Scores:
    """Return the scores together with those of the critics."""
    values, blanks = {**scores.values, **critics.values}, {**scores.blanks, **critics.blanks}
    return replace(scores, values=values, blanks=blanks)


def _refuse_broken(numbers: Mapping[str, Mapping[str, float | None]]) -> None:
    """Raise :class:`Diverged` if a measured value is not finite."""
    for kind, values in numbers.items():
        for name, value in values.items():
            if value is not None and not math.isfinite(value):
                raise Diverged(f"{kind} {name} is not finite")


def _predictions(
    evaluator: Evaluator,
    snapshots: Sequence[Snapshot],
    scores: Scores,
    seed: int,
) -> list[Predictions]:
    """Return the predictions of the row's task model at every snapshot, or none if the row has no task model.

    At the last snapshot the task model is the scored one.
    """
    if scores.model is None:
        return []
    *before, last = snapshots
    earlier = [predictions_of(evaluator, one, None, seed) for one in before]
    return [*earlier, predictions_of(evaluator, last, scores.model, seed)]


def _count(parameters: object) -> int:
    return sum(parameter.numel() for parameter in parameters)  # type: ignore[attr-defined]


def _unfinished(
    spec: RunSpec, config: Config, status: str, reason: str, curve: tuple[Mapping[str, float], ...] = ()
) -> RunRecord:
    """Return the record of a run that has no scores."""
    return RunRecord(
        id=spec.id,
        spec=spec.plain,
        status=status,
        reason=reason,
        bound=config.BOUND,
        curve=curve,
        **describe(torch.device(spec.device)),
    )
