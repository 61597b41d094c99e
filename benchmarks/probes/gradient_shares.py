"""Does every loss of DSN pull on the layers that task, alignment, reconstruction and difference share?

Before, reconstruction and difference weighed 0.01 and 0.05. The networks are those of now in both.
"""

from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn

from benchmarks.probes.probe import Probe, Row
from benchmarks.running.batches import Batches
from datasets.catalogue import load_pair
from methods.contract import Problem
from methods.feature_alignment import FeatureAlignment
from methods.recipes import configure

ROWS = {"now": "dsn", "before": "dsn[separation.reconstruction=0.01;separation.difference=0.05]"}
LOSSES = ("alignment", "reconstruction", "difference")
STEPS, QUICK_STEPS = (0, 100, 150, 300), (0, 2, 4)  # the losses set in after 100 steps, or after 2
BATCH, AVERAGED = 32, 5  # images, batches


def measure(seed: int, quick: bool) -> Iterator[Row]:
    """Yield the norm of the task's gradient, and the others as shares of it, averaged over batches."""
    pair, steps = load_pair("digits-photos"), QUICK_STEPS if quick else STEPS
    problem = Problem(shape=pair.shape, task=pair.task, batch=BATCH, steps=steps[-1])
    for weights, row in ROWS.items():
        config = configure(row, "smoke" if quick else "small")
        method = cast(FeatureAlignment, config.build(problem, torch.device("cpu"), seed))
        batches, others = Batches(pair, BATCH, seed), Batches(pair, BATCH, seed + 1000)
        for step in range(steps[-1] + 1):
            if step in steps:
                norms = _norms(method, others)
                shares = {name: norms[name] / norms["task"] for name in LOSSES}
                yield {"weights": weights, "step": step, "task": norms["task"], **shares}
            method.step(batches)


def _norms(method: FeatureAlignment, batches: Batches) -> dict[str, float]:
    """Return the mean norm of every weighted loss's gradient on the shared layers."""
    tower = method.tower
    shared = [p for layer in (tower.first, tower.shared, tower.hidden) for p in layer.parameters()]
    sums = dict.fromkeys(method.weights, 0.0)
    for _ in range(AVERAGED):
        for name, loss in method.losses(next(batches)).items():
            sums[name] += method.weights[name] * _norm(loss, shared) / AVERAGED
    return sums


def _norm(loss: Tensor, parameters: list[nn.Parameter]) -> float:
    gradients = torch.autograd.grad(loss, parameters, retain_graph=True)
    return torch.cat([gradient.flatten() for gradient in gradients]).norm().item()


PROBE = Probe(
    name="gradient-shares",
    question="How strongly does each weighted loss of dsn pull on the shared layers, as a share of the task's gradient?",
    cases={"weights": "weights", "step": "step"},
    values={"task": "task, norm", **{name: f"{name} / task" for name in LOSSES}},
    measure=measure,
    digits=4,
)
