"""What a global critic sees and a local one does not, and the reverse: defects of drawn images, three image sizes.

A local critic has one opinion of a patch wherever it lies. A global one learns every place by itself, so a refiner that moves
its defect to a place where the critic saw none goes unpunished.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import torch
from torch import Tensor

from benchmarks.probes.probe import Probe, Row
from benchmarks.scores.ranks import area_under_roc
from methods.networks.refiner import Critic, CriticNet, RefinedVerdict
from methods.parts.adversary import fooling_loss, real_or_refined_loss
from methods.parts.optimisers import Adam, descend
from methods.seeding import generator, initialising

SIZES, STEPS, BATCH, JUDGED = (16, 32, 64), (100, 200), 16, 256
REAL_GAP, DEFECT_GAP = 10 / 16, 7 / 16  # of the image's width
NOISE, WEAK = 0.1, 0.3  # amplitudes, images in [−1, 1]
DEFECT_PIXELS = 4
PATCH_PIXELS, STRIDE = 23, 4  # what a place of the critic's map sees, and how far apart places are


def distance(count: int, size: int, defect: bool, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw two dots in one row, N × 1 × size × size; in images with the defect they stand too close to each other.

    The second tensor says which pixels belong to a dot.
    """
    gap = round(size * (DEFECT_GAP if defect else REAL_GAP))
    images = NOISE * torch.randn(count, 1, size, size, generator=random)
    left = torch.randint(1, size - gap - 1, (count,), generator=random)
    row = torch.randint(1, size - 1, (count,), generator=random)
    dots, every = torch.zeros_like(images, dtype=torch.bool), torch.arange(count)
    for column in (left, left + gap):
        for dy, dx in ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0)):
            dots[every, 0, row + dy, column + dx] = True
    return images.masked_fill(dots, 1.0), dots


def blemish(
    count: int, size: int, defect: bool, random: torch.Generator, *, first: float, last: float
) -> tuple[Tensor, Tensor]:
    """Draw noise, N × 1 × size × size; images with the defect have a weak chequered square of 4 × 4 pixels.

    It lies anywhere between the ``first`` and the ``last`` row, shares of the height. The second tensor says which pixels
    belong to the square, or would.
    """
    images = NOISE * torch.randn(count, 1, size, size, generator=random)
    top = torch.randint(
        round(first * size), round(last * size) - DEFECT_PIXELS + 1, (count, 1), generator=random
    )
    left = torch.randint(0, size - DEFECT_PIXELS + 1, (count, 1), generator=random)
    lines = torch.arange(size)
    rows, columns = ((lines >= edge) & (lines < edge + DEFECT_PIXELS) for edge in (top, left))
    square = (rows[:, :, None] & columns[:, None, :])[:, None]
    chequers = 1.0 - 2 * ((lines[:, None] + lines) % 2)
    return images + defect * WEAK * chequers * square, square


Draw = Callable[[int, int, bool, torch.Generator], tuple[Tensor, Tensor]]
UPPER, LOWER = partial(blemish, first=0, last=0.5), partial(blemish, first=0.5, last=1)
DEFECTS: Mapping[str, tuple[Draw, Draw]] = {
    "two dots at another distance": (distance, distance),
    "a weak blemish, where it was learnt": (UPPER, UPPER),
    "a weak blemish, in the other half": (UPPER, LOWER),
}
"""How images with and without a defect are drawn: those that a critic learns from, and those that it is judged on."""


def learn(defect: str, size: int, net: CriticNet, seed: int) -> Iterator[Critic]:
    """Yield a critic after each update on new drawings, with the defect for refined images and without for real ones."""
    (draw, _), random = DEFECTS[defect], generator(seed, f"{defect} {size}")
    with initialising(seed, "critic"):
        critic = Critic((1, size, size), net)
    optimiser = Adam().over(critic.parameters())
    while True:
        refined, real = (critic(draw(BATCH, size, wrong, random)[0]) for wrong in (True, False))
        descend(critic.places * real_or_refined_loss(refined, real), optimiser)
        yield critic


def judge(critic: Critic, defect: str, size: int, seed: int) -> tuple[float, float]:
    """Return the AUC of a critic on new drawings, and the share of the refiner's squared gradient on the defect's pixels."""
    (_, draw), random = DEFECTS[defect], generator(seed, "judged")
    (refined, where), (real, _) = (draw(JUDGED, size, wrong, random) for wrong in (True, False))
    with torch.no_grad():
        told = area_under_roc(*(RefinedVerdict(critic)(images) for images in (refined, real)))
    (slope,) = torch.autograd.grad(fooling_loss(critic(refined.requires_grad_())), refined)
    pull = slope.double().square()
    whole = pull.sum().clamp(min=1e-300)  # a sure critic may not pull at all
    return told, ((pull * where).sum() / whole).item()


def patch_share(size: int) -> float:
    """Return the share of a square image that a place of the critic's map sees, averaged over places."""
    reach = PATCH_PIXELS // 2
    seen = [min(size, at + reach + 1) - max(0, at - reach) for at in range(0, size, STRIDE)]
    return (sum(seen) / len(seen) / size) ** 2


def measure(seed: int, quick: bool) -> Iterator[Row]:
    """Yield what a local and a global critic find after 100 and 200 updates, for every defect and size."""
    steps = (1, 2) if quick else STEPS
    for defect in DEFECTS:
        for size in SIZES[:1] if quick else SIZES:
            local, whole = (
                learn(defect, size, CriticNet(width=12, verdict=verdict), seed)
                for verdict in ("patches", "image")
            )
            for step, critics in enumerate(zip(local, whole, strict=True), start=1):
                if step in steps:
                    found = [judge(critic, defect, size, seed) for critic in critics]
                    (local_told, local_pull), (global_told, global_pull) = found
                    yield {
                        **{"defect": defect, "size": size, "step": step, "share": patch_share(size)},
                        **{"local_auc": local_told, "global_auc": global_told},
                        **{"local_pull": local_pull, "global_pull": global_pull},
                    }
                if step == steps[-1]:
                    break


PROBE = Probe(
    name="global-local",
    question="Which defect does a local critic find, which a global one? AUC on new images, 0.5 is chance; "
    "pull is the share of the refiner's squared gradient that falls on the defect",
    cases={"defect": "defect", "size": "image, pixels", "step": "update"},
    values={
        "share": "share of the image that a patch sees",
        "local_auc": "AUC, local",
        "global_auc": "AUC, global",
        "local_pull": "pull, local",
        "global_pull": "pull, global",
    },
    measure=measure,
)
