"""The suite's promises of its speed, measured: each with its figure and whether it is kept on this machine."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from benchmarks.profiling.counting import flops_of
from benchmarks.profiling.machine import Machine, product_on
from benchmarks.profiling.steps import Profile, profiled
from benchmarks.running.batches import Batches
from benchmarks.running.clock import wait_for
from benchmarks.running.memory import keep_freed_memory
from benchmarks.running.run import run
from benchmarks.running.training import TrainingState, problem_of, train
from benchmarks.speed.many_records import write_many
from benchmarks.studies.runs import runs
from benchmarks.studies.scales import Scale, find_scale
from benchmarks.studies.study import RunSpec, Study
from datasets.catalogue import load_pair
from datasets.contract import Classification
from methods.contract import Batch, Method, Problem
from methods.recipes import RECIPES
from methods.settings import change

BENCH = Path(__file__).parents[2] / "bench.py"
SHORT: Mapping[str, object] = {"refiner_pretraining": 1, "critic_pretraining": 0, "history.batches": 4}
EYES = Problem(shape=(1, 35, 55), task=Classification(classes=10), batch=64, steps=10)
ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A promise: its name, limit and figure in words, and whether it is kept; ``None`` if it needs a GPU that is missing."""

    name: str
    limit: str
    found: str
    kept: bool | None

    @property
    def verdict(self) -> str:
        """Say in words whether the promise is kept."""
        return {True: "kept", False: "missed", None: "not measured"}[self.kept]


def wide(row: str, device: torch.device) -> tuple[Method, Iterator[Batch]]:
    """Return a row at the paper's width after one pretraining step, and batches of 64 random images of 35 × 55."""
    recipe = RECIPES[row]
    method = change(recipe.at("paper"), SHORT).build(EYES, device, seed=0)
    batches = _random_batches(device)
    method.pretrain(batches)
    return method, batches


def _random_batches(device: torch.device) -> Iterator[Batch]:
    random = torch.Generator(device).manual_seed(0)
    size = (EYES.batch, *EYES.shape)
    while True:
        source, target = (2 * torch.rand(2, *size, generator=random, device=device) - 1).unbind()
        labels, masks = torch.zeros(EYES.batch, dtype=torch.int64, device=device), torch.ones_like(source)
        yield Batch(source=source, labels=labels, masks=masks, target=target)


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Return the seconds of a call until the device has finished."""
    wait_for(device)
    start = time.perf_counter()
    work()
    wait_for(device)
    return time.perf_counter() - start


def interleaved(
    works: Mapping[str, Callable[[], object]], device: torch.device, rounds: int = ROUNDS
) -> dict[str, list[float]]:
    """Return the seconds of every piece of work in every round; work is interleaved, and a first round is dropped."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(1 + rounds):
        for name, work in works.items():
            found[name].append(seconds(work, device))
    return {name: times[1:] for name, times in found.items()}


def ratio(found: Mapping[str, Sequence[float]], one: str, other: str) -> float:
    """Return the median over rounds of the time of ``one`` over the time of ``other`` in the same round."""
    return median(mine / its for mine, its in zip(found[one], found[other], strict=True))


def matrix_rate(device: torch.device) -> Goal:
    """Measure SimGAN at the paper's width against a matrix product, interleaved."""
    method, batches = wide("simgan", device)
    product, operations = product_on(device)
    flops = flops_of(lambda: method.step(batches))
    found = interleaved({"step": lambda: method.step(batches), "product": product}, device)
    share = flops / operations / ratio(found, "step", "product")
    rate = flops / median(found["step"]) / 1e9
    return Goal(
        name="SimGAN, 64 channels, 4 blocks, 35 × 55, batch 64: rate of a whole step",
        limit="≥ 75 % of a matrix product's",
        found=f"{share:.0%} ({rate:.0f} GFLOP/s, {median(found['step']):.2f} s a step)",
        kept=share >= 0.75,
    )


def outside_steps(scale: str, device: torch.device) -> Goal:
    """Measure the time of training outside steps."""
    limit = {"small": 0.05, "paper": 0.01}[scale]
    if scale == "paper":
        method, batches = wide("simgan", device)
        steps = Scale(steps=8, batch=64, pixels=1 << 30, window=4, task_steps=0)
        stream: Iterator[Batch] = _Counted(batches)
    else:
        pair, steps = load_pair("fonts-digits").to(device), replace(find_scale(scale), steps=100)
        problem = problem_of(pair, steps)
        method = RECIPES["simgan"].at(scale).build(problem, device, seed=0)
        stream = Batches(pair, problem.batch, seed=0)
    inside: list[float] = []
    step = method.step

    def timed(drawn: Iterator[Batch]) -> dict[str, Tensor]:
        start = time.perf_counter()
        terms = step(drawn)
        wait_for(device)
        inside.append(time.perf_counter() - start)
        return terms

    method.step = timed  # type: ignore[method-assign, assignment]
    state = TrainingState(method, stream, device)  # type: ignore[arg-type]
    training = train(state, steps, lambda *_: None)
    share = 1 - sum(inside) / training.seconds["training"]
    return Goal(
        name=f"time outside steps, SimGAN at {scale} width, of training",
        limit=f"< {limit:.0%}",
        found=f"{share:.2%} of {training.seconds['training']:.0f} s",
        kept=share < limit,
    )


class _Counted:
    """Batches that count the images that were drawn, as training expects."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches, self.drawn = batches, 0

    def __iter__(self) -> "_Counted":
        return self

    def __next__(self) -> Batch:
        self.drawn += EYES.batch
        return next(self._batches)


def ingredients(device: torch.device) -> Iterator[Goal]:
    """Measure the share of history and GGDR in a step at the paper's width."""
    method, batches = wide("simgan", device)
    history = method.state["history"]
    fresh = next(batches).source[: EYES.batch // 2]
    found = interleaved(
        {"step": lambda: method.step(batches), "history": lambda: history.join(fresh)},  # type: ignore[attr-defined]
        device,
    )
    share = ratio(found, "history", "step")
    yield Goal(
        name="history, of a step at the paper's width", limit="< 2 %", found=f"{share:.2%}", kept=share < 0.02
    )
    rows = {row: wide(row, device) for row in ("simgan", "simgan-ggdr")}
    works = {row: partial(method.step, batches) for row, (method, batches) in rows.items()}
    work = {row: flops_of(step) for row, step in works.items()}
    found = interleaved(works, device)
    time_ratio, flop_ratio = ratio(found, "simgan-ggdr", "simgan"), work["simgan-ggdr"] / work["simgan"]
    yield Goal(
        name="GGDR at the paper's width: time against counted operations",
        limit="within 10 %",
        found=f"time × {time_ratio:.3f}, operations × {flop_ratio:.4f}",
        kept=abs(time_ratio / flop_ratio - 1) <= 0.1,
    )


def evaluation_share(device: torch.device) -> Iterator[Goal]:
    """Measure the time of a run's scores against that of its training, at ``small``."""
    (spec,) = _specs("simgan", device)
    record, _ = run(spec, None, lambda *_: None)
    training = record.seconds["training"] + record.seconds["pretraining"]
    scores, snapshots = record.seconds["evaluation"], record.seconds["checkpoints"]
    share, all_in = scores / training, (scores + snapshots) / training
    yield Goal(
        name="all scores of a run at small, SimGAN on fonts-digits, of its training",
        limit="< 15 %",
        found=f"{share:.1%} ({scores:.1f} of {training:.1f} s); {all_in:.1%} with its earlier snapshots judged",
        kept=share < 0.15,
    )


def _specs(row: str, device: torch.device) -> list[RunSpec]:
    study = Study(name="speed", about="", pairs=("fonts-digits",), rows=(row,), seeds=(0,))
    return list(runs(study, device.type))


def commands() -> Iterator[Goal]:
    """Measure whole commands, from start to exit."""
    with tempfile.TemporaryDirectory() as folder:
        many = write_many(Path(folder))
        limits = {
            "--help": (["--help"], 0.5),
            "list": (["list"], 1.0),
            "tables of 10,000 records": (["tables", str(many), "--results", folder], 3.0),
        }
        for name, (words, limit) in limits.items():
            times = [_command(words) for _ in range(6)][1:]
            yield Goal(
                name=f"bench.py {name}",
                limit=f"< {limit:g} s",
                found=f"{median(times):.2f} s ({min(times):.2f} … {max(times):.2f})",
                kept=median(times) < limit,
            )


def _command(words: Sequence[str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, str(BENCH), *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def on_gpu(device: torch.device) -> Iterator[Goal]:
    """Measure on a GPU: small images in captured steps, PixelDA's schedule, SimGAN's batch in bfloat16."""
    questions: dict[str, tuple[str, str, str, str, Callable[[Profile, Machine], tuple[str, bool]]]] = {
        "captured steps at 32 × 32, SimGAN at small": ("simgan", "small", "graphs", *_TWICE),
        "captured steps at 32 × 32, PixelDA at small": ("pixelda", "small", "graphs", *_TWICE),
        "PixelDA's paper schedule, captured": ("pixelda", "paper", "graphs", "about 2 ms a step", _in_time),
        "SimGAN at the paper's scale in bfloat16, of a convolution's rate": (
            "simgan[refiner_pretraining=1]",
            "paper",
            "bf16",
            "≥ 40 %",
            _of_convolution,
        ),
    }
    for name, (row, scale, variant, limit, read) in questions.items():
        found, kept = "needs a CUDA device", None
        if device.type == "cuda":
            study = Study(
                name="speed", about="", pairs=("digits-photos",), rows=(row,), seeds=(0,), scale=scale
            )
            specs = list(runs(study, device.type))
            both = profiled(specs, None, windows=10, steps=20, variants=("eager", variant))
            shown = [one for one in both.rows if one.variant == variant]
            found, kept = read(shown[0], both.machine) if shown else (both.omitted[0].reason, False)
        yield Goal(name=name, limit=limit, found=found, kept=kept)


def _twice(one: Profile, machine: Machine) -> tuple[str, bool]:
    return f"{one.gain:.1f} ×", one.gain >= 2


def _in_time(one: Profile, machine: Machine) -> tuple[str, bool]:
    return f"{one.step_ms[1]:.2f} ms", one.step_ms[1] <= 2.5


def _of_convolution(one: Profile, machine: Machine) -> tuple[str, bool]:
    share = one.rate / (machine.convolution_bf16 or machine.convolution)
    return f"{share:.0%}", share >= 0.4


_TWICE = ("≥ 2 × as fast as plain ones", _twice)


def goals(device: torch.device) -> list[Goal]:
    """Measure all promises; takes about five minutes on two cores."""
    keep_freed_memory()
    return [
        matrix_rate(device),
        *(outside_steps(scale, device) for scale in ("paper", "small")),
        *ingredients(device),
        *evaluation_share(device),
        *commands(),
        *on_gpu(device),
    ]
