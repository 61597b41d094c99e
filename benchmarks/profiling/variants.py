"""Ways to run a method's steps that need nothing from the method: compiled, captured, in other layouts or number types."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from benchmarks.running.batches import Batches
from methods.contract import Batch, Method
from mistakes import UserMistake, unknown

Step = Callable[[Iterator[Batch]], Mapping[str, Tensor]]
Way = Callable[[Method, Batches, int], Step]
MAX_DIFFERENCE, MAX_BF16_DIFFERENCE = 1e-2, 0.25  # shares of the distance that networks have learned
MAX_RECOMPILATIONS = 256


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to run steps.

    ``prepare(method, batches, lead)`` does ``lead`` steps and returns the function that does further ones. After a few
    steps, networks may differ from those of plain steps by ``tolerance``, a share of the distance that these have learned.
    ``plain`` variants run module by module, so that their phases can be watched.
    """

    about: str
    prepare: Way
    tolerance: float = MAX_DIFFERENCE
    plain: bool = True
    devices: tuple[str, ...] = ("cpu", "cuda")


def _led(step: Step, batches: Batches, lead: int) -> Step:
    for _ in range(lead):
        step(batches)
    return step


def _eager(method: Method, batches: Batches, lead: int) -> Step:
    return _led(method.step, batches, lead)


def _compiled(method: Method, batches: Batches, lead: int) -> Step:
    """Compile the networks alone: a whole step would break into pieces at each of its gradients."""
    config: Any = torch._dynamo.config
    old = not hasattr(config, "recompile_limit")  # before torch 2.7
    limit = "cache_size_limit" if old else "recompile_limit"
    setattr(config, limit, MAX_RECOMPILATIONS)  # rows share code, and each row compiles it anew
    for network in method.networks().values():
        for child in network.children():  # methods call some of them directly
            child.compile(dynamic=False)
        for name, function in vars(type(network)).items():
            if inspect.isfunction(function) and not name.startswith("_"):
                setattr(network, name, torch.compile(getattr(network, name), dynamic=False))
    return _led(method.step, batches, lead)


def _in_layout(layout: torch.memory_format) -> Way:
    def prepare(method: Method, batches: Batches, lead: int) -> Step:
        for network in method.networks().values():
            network.to(memory_format=layout)
        for state in _states(method):
            state |= {name: _laid_out(value, layout) for name, value in state.items()}

        def step(drawn: Iterator[Batch]) -> Mapping[str, Tensor]:
            return method.step(
                replace(
                    batch,
                    source=_laid_out(batch.source, layout),
                    target=_laid_out(batch.target, layout),
                )
                for batch in drawn
            )

        return _led(step, batches, lead)

    return prepare


def _bf16(method: Method, batches: Batches, lead: int) -> Step:
    def step(drawn: Iterator[Batch]) -> Mapping[str, Tensor]:
        with torch.autocast(batches.random.device.type, torch.bfloat16):
            return method.step(drawn)

    return _led(step, batches, lead)


def _captured(method: Method, batches: Batches, lead: int) -> Step:
    """Capture one whole step with its draws as a CUDA graph; learning rates stay those of the capture."""
    parts = [batches, *method.state.values()]
    for part in parts:
        if isinstance(part, torch.optim.Adam):
            for group in part.param_groups:
                group["capturable"] = True  # its count of updates must lie on the device
    for state in _states(method):
        state |= {name: value.to(batches.random.device) for name, value in state.items()}
    graph, aside = torch.cuda.CUDAGraph(), torch.cuda.Stream()
    for part in parts:
        for value in vars(part).values():
            if isinstance(value, torch.Generator):
                graph.register_generator_state(value)
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        _led(method.step, batches, lead)
    torch.cuda.current_stream().wait_stream(aside)
    with torch.cuda.graph(graph):
        terms = method.step(batches)

    def step(drawn: Iterator[Batch]) -> Mapping[str, Tensor]:
        graph.replay()
        return terms

    return step


def _states(method: Method) -> Iterator[dict[str, Tensor]]:
    """Yield the state of every parameter in every optimiser."""
    for part in method.state.values():
        if isinstance(part, torch.optim.Optimizer):
            yield from part.state.values()


def _laid_out(value: Tensor, layout: torch.memory_format) -> Tensor:
    return value.contiguous(memory_format=layout) if value.ndim == 4 else value


VARIANTS: dict[str, Variant] = {
    "eager": Variant(about="steps as a run does them", prepare=_eager),
    "compile": Variant(about="torch.compile over the networks", prepare=_compiled, plain=False),
    "graphs": Variant(
        about="the step captured as one CUDA graph", prepare=_captured, plain=False, devices=("cuda",)
    ),
    "bf16": Variant(about="autocast to bfloat16", prepare=_bf16, tolerance=MAX_BF16_DIFFERENCE),
    "channels-last": Variant(
        about="networks and images in channels-last, the layout that methods here choose themselves",
        prepare=_in_layout(torch.channels_last),
    ),
    "contiguous": Variant(
        about="networks and images in the plain layout", prepare=_in_layout(torch.contiguous_format)
    ),
}


def parse_variants(text: str, device: str) -> tuple[str, ...]:
    """Read the names of variants, comma-separated; ``eager`` always comes first.

    Raises :class:`UserMistake` for an unknown variant, or a variant that the device does not have.
    """
    names = dict.fromkeys(["eager", *filter(None, map(str.strip, text.split(",")))])
    for name in names:
        if name not in VARIANTS:
            raise unknown("variant", name, VARIANTS)
        if device not in VARIANTS[name].devices:
            there = [other for other, variant in VARIANTS.items() if device in variant.devices]
            raise UserMistake(f"variant {name!r} is not for device {device!r}; allowed: {', '.join(there)}.")
    return tuple(names)
