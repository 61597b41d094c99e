"""Does SimGAN's critic learn at the paper's rate? Its loss when updates descend the paper's sum, and when they descend a mean."""

from collections.abc import Iterator

import torch

from benchmarks.probes.probe import Probe, Row
from datasets.catalogue import load_pair
from datasets.contract import to_unit
from methods.networks.refiner import Critic, CriticNet
from methods.parts.adversary import real_or_refined_loss
from methods.parts.optimisers import Sgd, descend
from methods.seeding import generator, initialising

STEPS, BATCH, JUDGED = (1, 50, 200, 600, 1200), 16, 256


def measure(seed: int, quick: bool) -> Iterator[Row]:
    """Yield the critic's loss on 256 fixed images of each kind after each of ``STEPS`` updates.

    Refined images are those of a refiner that reproduces its input, where pretraining leads: the source's own.
    """
    pair = load_pair("fonts-digits")
    net = CriticNet(width=12) if quick else CriticNet()
    steps = STEPS[:2] if quick else STEPS
    random = generator(seed, "critic rate")
    refined, real = (
        to_unit(images[torch.randperm(len(images), generator=random)])
        for images in (pair.source.images, pair.target)
    )
    for descended in ("sum over patches", "mean over patches"):
        with initialising(seed, "critic"):
            critic = Critic(pair.shape, net)
        optimiser, drawn = Sgd().over(critic.parameters()), generator(seed, "batches")
        factor = critic.places if descended == "sum over patches" else 1
        for step in range(1, steps[-1] + 1):
            mine, theirs = (
                images[torch.randint(JUDGED, len(images), (BATCH,), generator=drawn)]
                for images in (refined, real)
            )
            descend(factor * real_or_refined_loss(critic(mine), critic(theirs)), optimiser)
            if step in steps:
                with torch.no_grad():
                    loss = real_or_refined_loss(critic(refined[:JUDGED]), critic(real[:JUDGED]))
                yield {"descended": descended, "step": step, "loss": loss.item()}


PROBE = Probe(
    name="critic-rate",
    question="Does the critic of the paper's width learn by gradient descent at the paper's rate, 0.001? Chance is a loss of 1.386",
    cases={"descended": "an update descends the", "step": "update"},
    values={"loss": "critic's loss on held-out images"},
    measure=measure,
)
