"""The optimisations of the suite, each timed in turn with the plain way to do the same.

Every entry restores the plain way for a moment, as public implementations of these methods do it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from statistics import median
from unittest import mock

import numpy as np
import scipy.linalg
import torch
from torch import Tensor, nn

from benchmarks.running import memory
from benchmarks.running.batches import Batches
from benchmarks.running.training import problem_of
from benchmarks.scores.frechet import frechet_distance
from benchmarks.speed.goals import interleaved, ratio, wide
from benchmarks.studies.scales import find_scale
from datasets.catalogue import load_pair
from methods.networks import convolution, pixelda
from methods.recipes import configure

Work = Callable[[], object]
CPU = torch.device("cpu")
GLIBC = {memory.MMAP_MAX: 65536, memory.TRIM_THRESHOLD: 128 << 10, memory.TOP_PAD: 128 << 10}


@dataclass(frozen=True, kw_only=True)
class Gain:
    """An optimisation: where it is timed, what it does to results, milliseconds before and after, and their median ratio."""

    name: str
    where: str
    numbers: str
    before_ms: float
    after_ms: float
    times: float


def small(row: str, pair: str = "fonts-digits") -> Work:
    """Return a function that does a training step of a row at ``small``."""
    domains, scale = load_pair(pair), find_scale("small")
    problem = problem_of(domains, scale)
    method = configure(row, "small").build(problem, CPU, seed=0)
    batches = Batches(domains, problem.batch, seed=0)
    method.pretrain(batches)
    return lambda: method.step(batches)


def at_paper_width() -> Work:
    """Return a function that does a training step of SimGAN at the paper's width."""
    method, batches = wide("simgan", CPU)
    return lambda: method.step(batches)


def plain_layout() -> AbstractContextManager[object]:
    """Use the contiguous layout in place of channels-last."""
    return mock.patch.object(torch, "channels_last", torch.contiguous_format)


@contextmanager
def fresh_memory() -> Iterator[None]:
    """Let the allocator give large blocks back to the system, as it does by default."""
    mallopt = memory.allocator("mallopt")
    if mallopt is None:
        yield
        return
    for parameter, value in GLIBC.items():
        mallopt(parameter, value)
    memory.return_freed_memory()
    try:
        yield
    finally:
        memory.keep_freed_memory()


def usual_gradient() -> AbstractContextManager[object]:
    """Leave the weights' gradient of wide layers to the library."""
    return mock.patch.object(convolution, "MIN_CHANNELS", 1 << 30)


def gradients_for_all() -> AbstractContextManager[object]:
    """Differentiate a loss for the weights of all networks, as ``loss.backward()`` does."""
    own = torch.autograd.grad

    def grad(loss: Tensor, wanted: Sequence[Tensor], *, allow_unused: bool) -> tuple[Tensor | None, ...]:
        every = [*wanted, *_leaves(loss, {id(one) for one in wanted})]
        return own(loss, every, allow_unused=allow_unused)[: len(wanted)]

    return mock.patch.object(torch.autograd, "grad", grad)


def _leaves(loss: Tensor, without: set[int]) -> list[Tensor]:
    """Return the parameters that a loss depends on, but those with an id in ``without``."""
    found, seen, nodes = list[Tensor](), set[object](), [loss.grad_fn]
    while nodes:
        node = nodes.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        leaf = getattr(node, "variable", None)
        if isinstance(leaf, nn.Parameter) and id(leaf) not in without:
            found.append(leaf)
        nodes += [after for after, _ in node.next_functions]
    return found


def draws_in_layout() -> AbstractContextManager[object]:
    """Draw PixelDA's dropout and noise layer by layer, straight into the layout of the maps."""

    def drawn_in_layout(
        net: pixelda.DeepCriticNet,
        images: int,
        sizes: Sequence[tuple[int, int, int]],
        random: torch.Generator,
    ) -> list[tuple[Tensor, Tensor]]:
        drawn = []
        for size in sizes:
            empty = torch.empty((images, *size), memory_format=torch.channels_last)
            kept = torch.empty_like(empty).bernoulli_(1 - net.dropout, generator=random)
            drawn.append((kept, empty.normal_(0, net.noise, generator=random)))
        return drawn

    return mock.patch.object(pixelda, "dropout_and_noise", drawn_in_layout)


def by_square_root(first: Tensor, second: Tensor) -> float:
    """Return the Fréchet distance by a matrix square root, as most public code does."""
    one, two = first.double().numpy(), second.double().numpy()
    covariances = np.cov(one, rowvar=False), np.cov(two, rowvar=False)
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    between = ((one.mean(0) - two.mean(0)) ** 2).sum()
    return float(between + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * np.trace(root))


def gains() -> Iterator[Gain]:
    """Time every optimisation on the CPU; takes some minutes."""
    memory.keep_freed_memory()
    wide_step, narrow, drawing = at_paper_width(), small("simgan"), small("pixelda")
    with plain_layout():
        plain = small("simgan")
    yield _gain("channels-last", "SimGAN, small", "rounding differs", plain, narrow, plain_layout, rounds=25)
    for where, step, rounds in (("SimGAN, paper's width", wide_step, 5), ("SimGAN, small", narrow, 25)):
        yield _gain("freed memory kept", where, "same bits", step, step, fresh_memory, rounds=rounds)
    yield _gain(
        "weights' gradient as a matrix product", "SimGAN, paper's width", "rounding differs",
        wide_step, wide_step, usual_gradient, rounds=5,
    )  # fmt: skip
    yield _gain(
        "gradients for the updated network alone", "SimGAN, small", "same bits",
        narrow, narrow, gradients_for_all, rounds=25,
    )  # fmt: skip
    yield _gain(
        "dropout and noise drawn in one block", "PixelDA, small", "other draws, same law",
        drawing, drawing, draws_in_layout, rounds=20,
    )  # fmt: skip
    for count, features, rounds in ((599, 64, 9), (500, 1024, 3)):
        sets = torch.randn(2, count, features, generator=torch.Generator().manual_seed(0))
        yield _gain(
            "FID by singular values",
            f"{count} images, {features} features",
            "rounding differs",
            partial(by_square_root, *sets),
            partial(frechet_distance, *sets),
            rounds=rounds,
        )


def _gain(
    name: str,
    where: str,
    numbers: str,
    before: Work,
    after: Work,
    around: Callable[[], AbstractContextManager[object]] = nullcontext,
    *,
    rounds: int,
) -> Gain:
    def plain() -> None:
        with around():
            before()

    found = interleaved({"before": plain, "after": after}, CPU, rounds)
    return Gain(
        name=name,
        where=where,
        numbers=numbers,
        before_ms=1000 * median(found["before"]),
        after_ms=1000 * median(found["after"]),
        times=ratio(found, "before", "after"),
    )
