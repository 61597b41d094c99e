"""Is a frozen generator with batch normalisation the one that was trained? By running statistics, and by statistics anew."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.evaluation.evaluator import Evaluator, fixed_subset
from benchmarks.probes.probe import Probe, Row
from benchmarks.running.batches import Batches
from benchmarks.running.run import evaluator_for
from benchmarks.running.training import problem_of
from benchmarks.scores.frechet import frechet_distance
from benchmarks.studies.runs import runs
from benchmarks.studies.scales import Scale
from benchmarks.studies.study import Study
from datasets.contract import to_bytes, to_unit
from methods.contract import frozen
from methods.networks.pixelda import Generator
from methods.pixelda import PixelDA
from methods.recipes import config_of
from methods.seeding import generator

CPU = torch.device("cpu")
COMPOSITIONS = 4  # ways to put the same images into mini-batches


@dataclass(frozen=True, kw_only=True)
class Probed:
    """The images that all generators adapt, with their noise, in mini-batches of ``batch``; and the real ones' features."""

    evaluator: Evaluator
    images: Tensor
    noise: Tensor
    batch: int
    real: Tensor

    @torch.no_grad()
    def painted(self, network: Generator, order: Tensor) -> Tensor:
        """Adapt the images in an order; an image has its own noise in every order."""
        adapted = torch.empty_like(self.images)
        for part in order.split(self.batch):
            given = 2 * self.noise[part] - 1
            with network.noise.project.register_forward_pre_hook(lambda *_, given=given: (given,)):  # type: ignore[union-attr]
                adapted[part] = network(self.images[part], generator(0, "unused"))
        return adapted

    def fid(self, adapted: Tensor) -> float:
        """Return the FID of adapted images."""
        return frechet_distance(self.evaluator.extractor(to_bytes(adapted)), self.real)


def measure(seed: int, quick: bool) -> Iterator[Row]:
    """Train ``pixelda`` and yield two rows at every step that is looked at: running statistics, and statistics anew."""
    pair, scale, steps = (
        ("shapes", "smoke", (6, 12)) if quick else ("digits-photos", "small", (300, 600, 900, 1200))
    )
    study = Study(name="probe", about="", pairs=(pair,), rows=("pixelda",), seeds=(seed,), scale=scale)
    (spec,) = runs(study, "cpu")
    evaluator = evaluator_for(pair, spec.extractor, 1, CPU, None)
    problem = problem_of(evaluator.pair, Scale.of(spec.budget))
    method = config_of(spec.settings).build(problem, CPU, seed)
    assert isinstance(method, PixelDA)
    batches, probed = Batches(evaluator.pair, problem.batch, seed), _probed(evaluator, problem.batch)
    for step in range(1, steps[-1] + 1):
        method.step(batches)
        if step in steps:
            adapters = {
                "running": frozen(method.generator),
                "re-estimated": method.adapter(batches.aside("adapter")),
            }
            trained = _as_trained(probed, method.generator)
            for name, adapter in adapters.items():
                yield {"step": step, "statistics": name, **_compared(probed, adapter, trained)}


def _probed(evaluator: Evaluator, batch: int) -> Probed:
    """Return as many images of source and test as the evaluation compares."""
    count, test = evaluator.images, evaluator.pair.test.images
    source = evaluator.source.images[fixed_subset(len(evaluator.source), count)]
    return Probed(
        evaluator=evaluator,
        images=to_unit(source),
        noise=torch.rand(count, 10, generator=generator(0, "noise")),
        batch=batch,
        real=evaluator.extractor(test[fixed_subset(len(test), count)]),
    )


def _as_trained(probed: Probed, network: Generator) -> list[Tensor]:
    """Return what the network paints by the statistics of its mini-batches, as in training, for every composition."""
    random, training = generator(0, "compositions"), frozen(network).train()
    orders = [torch.randperm(len(probed.images), generator=random) for _ in range(COMPOSITIONS)]
    return [probed.painted(training, order) for order in orders]


def _compared(probed: Probed, adapter: Generator, trained: Sequence[Tensor]) -> dict[str, float]:
    adapted = probed.painted(adapter, torch.arange(len(probed.images)))
    return {
        "away": sum(_distance(adapted, one) for one in trained) / len(trained),
        "noise": _distance(trained[0], trained[1]),
        "fid": probed.fid(adapted),
        "fid_trained": sum(map(probed.fid, trained)) / len(trained),
    }


def _distance(one: Tensor, other: Tensor) -> float:
    return (one - other).abs().mean().item()


PROBE = Probe(
    name="adapter-statistics",
    question="How far is the frozen generator of PixelDA from the one that was trained?",
    cases={"step": "step", "statistics": "batch-norm statistics"},
    values={
        "away": "mean |adapter − as trained|",
        "noise": "mean |as trained − as trained in other mini-batches|",
        "fid": "FID of the adapter",
        "fid_trained": "FID as trained",
    },
    measure=measure,
)
