"""Does SimGAN's critic forget earlier refined images, and does the history help? Over regimes of training and its steps."""

from collections.abc import Iterator
from itertools import product
from typing import Literal

import torch
from torch import Tensor

from benchmarks.probes.probe import Probe, Row
from benchmarks.running.batches import Batches
from benchmarks.scores.ranks import area_under_roc
from datasets.catalogue import load_pair
from datasets.contract import DomainPair, to_unit
from methods.contract import Problem
from methods.networks.refiner import CriticNet, RefinerNet
from methods.parts.history import History
from methods.parts.optimisers import Adam
from methods.refiner_gan import RefinerGan, RefinerGanConfig

STEPS = {2: 250, 10: 100, 50: 40}  # by the refiner's updates a step
REGIMES = ((2, 2.0), (10, 2.0), (50, 2.0), (10, 0.0))  # the refiner's updates a step, Λ
KEPT, JUDGED, BATCH = 5, 256, 16  # snapshots, images, images

Normalisation = Literal["none", "batch"]


def build(
    pair: DomainPair,
    regime: tuple[int, float],
    normalisation: Normalisation,
    history: bool,
    seed: int,
    quick: bool,
) -> RefinerGan:
    """Return SimGAN with narrow networks and otherwise the settings of ``small``."""
    refiner_updates, content_strength = regime
    config = RefinerGanConfig(
        refiner=RefinerNet(width=8, blocks=2),
        critic=CriticNet(width=12, normalisation=normalisation),
        history=History() if history else None,
        refiner_updates=refiner_updates,
        content_strength=content_strength,
        refiner_optimiser=Adam(),
        critic_optimiser=Adam(),
        refiner_pretraining=5 if quick else 100,
        critic_pretraining=20,
    )
    problem = Problem(shape=pair.shape, task=pair.task, batch=BATCH, steps=1)
    return config.build(problem, torch.device("cpu"), seed)


def forgetting_of(method: RefinerGan, pair: DomainPair, steps: int, seed: int) -> Iterator[Row]:
    """Train, keep what the refiner paints after each of ``KEPT`` equal parts, and yield the critic's AUC on all of it."""
    batches = Batches(pair, BATCH, seed)
    source, real = to_unit(pair.source.images[:JUDGED]), to_unit(pair.target[:JUDGED])
    painted: list[Tensor] = []
    method.pretrain(batches)
    for part in range(1, KEPT + 1):
        for _ in range(steps // KEPT):
            method.step(batches)
        with torch.no_grad():
            painted.append(method.refiner(source))
            verdict = method.verdict()
            *earlier, present = (area_under_roc(verdict(images), verdict(real)) for images in painted)
        if earlier:
            yield {
                **{"part": f"{part}/{KEPT}", "present": present, "recent": earlier[-1], "oldest": earlier[0]},
                "forgetting": present - sum(earlier) / len(earlier),
            }


def measure(seed: int, quick: bool) -> Iterator[Row]:
    """Yield a row for every regime and part of training."""
    pair = load_pair("fonts-digits")
    normalisations: tuple[Normalisation, ...] = ("none", "batch")
    for regime, normalisation, history in product(REGIMES, normalisations, (False, True)):
        if quick and (regime != REGIMES[0] or normalisation == "batch"):
            return
        updates, strength = regime
        method = build(pair, regime, normalisation, history, seed, quick)
        case = {"updates": updates, "content": strength, "norm": normalisation}
        for row in forgetting_of(method, pair, KEPT if quick else STEPS[updates], seed):
            yield {**case, "history": "yes" if history else "no", **row}


PROBE = Probe(
    name="forgetting",
    question="Does a critic forget? AUC of the present critic on present and earlier refined images against real ones; "
    "forgetting is AUC (present) less its mean over earlier ones, above 0 if the critic knows earlier images worse",
    cases={
        "updates": "refiner updates a critic update",
        "content": "Λ",
        "norm": "critic's normalisation",
        "history": "history",
        "part": "part of training",
    },
    values={
        "present": "AUC, present",
        "recent": "AUC, one part ago",
        "oldest": "AUC, oldest",
        "forgetting": "forgetting",
    },
    measure=measure,
)
