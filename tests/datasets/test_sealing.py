"""Canaries: methods that try every route to the target's labels. None may come home with them."""

import copy
import gc
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from pkgutil import resolve_name
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from benchmarks.records.record import FAILED, OK, RunRecord
from benchmarks.running import run as running
from benchmarks.running.batches import Batches
from benchmarks.studies.runs import runs
from benchmarks.studies.study import Study
from datasets.catalogue import PAIRS, load_pair
from datasets.contract import DomainPair, Labelled
from datasets.files import reading
from datasets.pairs import shapes
from datasets.sealing import SealBroken, Sealed, closed, seal
from datasets.sets import uci_digits, usps
from methods.bounds import Identity
from methods.contract import Batch, Config, Method, Problem, Stateful
from methods.recipe import Recipe
from methods.recipes import RECIPES
from tests.small.data import put, shrink, usps_file

CPU = torch.device("cpu")
LOOT: list[Tensor] = []


def pairs_in_frames() -> list[DomainPair]:
    """Return the pairs that the callers hold, directly or in an evaluator."""
    found, frame = [], sys._getframe()
    while frame := frame.f_back:
        for value in frame.f_locals.values():
            found += [one for one in (value, getattr(value, "pair", None)) if isinstance(one, DomainPair)]
    return found


def pairs_in_memory() -> list[DomainPair]:
    return [one for one in gc.get_objects() if type(one) is DomainPair]


def sealed_pair() -> DomainPair:
    """Return the pair that the harness keeps between runs."""
    return running.evaluator_for("shapes", "random", 20, CPU, None).pair


def usps_set() -> Labelled:
    """Return the test split of small files of USPS."""
    with TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        put(Path(root), {"usps/usps.h5": usps_file()})
        return usps.read(Path(root), "test")


ROUTES: dict[str, Callable[[], object]] = {
    "another thread": lambda: ThreadPoolExecutor(1).submit(lambda: sealed_pair().test.labels).result(),
    "callers": lambda: [pair.test.labels for pair in pairs_in_frames()],
    "memory": lambda: [
        part.labels for pair in pairs_in_memory() for part in (pair.test, pair.oracle) if part
    ],
    "evaluator kept by the harness": lambda: sealed_pair().oracle.labels,
    "loading the pair anew": lambda: load_pair("shapes").test.labels,
    "vars": lambda: vars(sealed_pair().test)["labels"],
    "asdict": lambda: asdict(sealed_pair().test)["labels"],
    "copy": lambda: copy.deepcopy(sealed_pair().test),
    "pickle": lambda: pickle.dumps(sealed_pair().test),
    "replace": lambda: replace(sealed_pair().test, masks=None).labels,
    "pick": lambda: sealed_pair().test.pick(torch.arange(3)).labels,
    "move": lambda: sealed_pair().to(CPU).oracle.labels,
    "a loader's module": lambda: shapes.load().test.labels,
    "a loader's function in the catalogue": lambda: resolve_name(str(PAIRS["shapes"].load))().test.labels,
    "the digits that a package holds": lambda: uci_digits.handwritten()[1],
    "a published set": lambda: usps_set().labels,
    "a folder of one's own": lambda: reading.contents(Path(__file__)),
}


class Canary(Method):
    """Learns nothing; goes the route where it is told to."""

    def __init__(self, route: str, where: str) -> None:
        self.route, self.where, self.network = ROUTES[route], where, nn.Linear(1, 1)
        self.stepped = False

    def go(self, place: str) -> None:
        if place == self.where:
            LOOT.append(torch.tensor(0))
            self.route()

    @property
    def state(self) -> Mapping[str, Stateful]:
        if self.stepped:
            self.go("state after training")
        return {"network": self.network}

    def pretrain(self, batches: Iterator[Batch]) -> None:
        self.go("pretrain")

    def step(self, batches: Iterator[Batch]) -> dict[str, Tensor]:
        self.go("step")
        self.stepped = True
        return {"loss": torch.tensor(0.0)}

    def adapter(self, batches: Iterator[Batch]) -> "Spying":
        self.go("adapter")
        return Spying(self)

    def predictor(self) -> Callable[[Tensor], Tensor]:
        self.go("predictor")
        return self.answer

    def answer(self, images: Tensor) -> Tensor:
        self.go("answering")
        return torch.zeros(len(images), 3)


class Spying(Identity):
    def __init__(self, canary: Canary) -> None:
        super().__init__()
        self.canary = canary

    def __call__(self, source: Tensor, generator: torch.Generator) -> Tensor:
        self.canary.go("adapting")
        return source

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        self.canary.go("saving")
        return {}


@dataclass(frozen=True, kw_only=True)
class CanaryConfig(Config):
    route: str = "callers"
    where: str = "step"

    def build(self, problem: Problem, device: torch.device, seed: int) -> Canary:
        canary = Canary(self.route, self.where)
        canary.go("build")
        return canary


def run(route: str, where: str) -> RunRecord:
    recipe = Recipe(name="canary", base=CanaryConfig(route=route, where=where), about="for tests", paper="–")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RECIPES, "canary", recipe)
        study = Study(name="test", about="", pairs=("shapes",), rows=("canary",), seeds=(0,), scale="smoke")
        (spec,) = runs(replace(study, extractor="random"), "cpu")
        LOOT.clear()
        return running.run(spec, None, lambda *_: None)[0]


def test_a_canary_that_stays_at_home_sings() -> None:
    assert run("callers", "nowhere").status == OK
    assert LOOT == []


@pytest.mark.parametrize(
    "where",
    [
        *("build", "pretrain", "step", "adapter", "predictor", "adapting", "answering", "saving"),
        "state after training",
    ],
)
def test_labels_are_out_of_reach_wherever_a_method_runs(where: str) -> None:
    record = run("evaluator kept by the harness", where)
    assert len(LOOT) == 1  # it went there
    assert (record.status, record.reason.split(" (")[0]) == (
        FAILED,
        "SealBroken: target labels may not be read while a method runs",
    )


@pytest.mark.parametrize("route", ROUTES)
def test_no_route_leads_to_the_labels(route: str) -> None:
    record = run(route, "step")
    assert len(LOOT) == 1
    assert record.status == FAILED
    assert record.reason.startswith("SealBroken: ")


def test_the_routes_lead_there_while_no_method_runs() -> None:
    for name, route in ROUTES.items():
        if name != "callers":
            route()
    pair = sealed_pair()
    assert [one.test.labels is pair.test.labels for one in pairs_in_frames()] == [True] * len(
        pairs_in_frames()
    )
    assert len(pairs_in_frames()) >= 1


def tensors_in(thing: Any, depth: int = 6) -> list[Tensor]:
    """Return every tensor that can be reached from a thing by attributes, items and iteration."""
    if isinstance(thing, Tensor):
        return [thing]
    if depth == 0 or isinstance(thing, (str, int, float, type(None))):
        return []
    parts: list[Any] = [*getattr(thing, "__dict__", {}).values()]
    if isinstance(thing, Mapping):
        parts += [*thing.values()]
    elif isinstance(thing, (list, tuple)):
        parts += [*thing]
    return [tensor for part in parts for tensor in tensors_in(part, depth - 1)]


def test_nothing_that_a_method_is_handed_holds_target_labels() -> None:
    pair = seal(load_pair("fonts-digits"))
    hidden = [pair.oracle.labels, pair.test.labels, pair.test.images]
    batches = Batches(pair, 16, seed=0)
    reached = tensors_in(batches) + tensors_in(next(batches))
    assert len(reached) > 5
    assert any(torch.equal(one, pair.source.labels) for one in reached)  # it looks deep enough
    for tensor in reached:
        assert not any(torch.equal(tensor, one) for one in hidden)


def test_sealing_ends_with_the_method_and_keeps_all_else() -> None:
    pair = load_pair("shapes")
    hidden = seal(pair)
    assert isinstance(hidden.test, Sealed)
    assert hidden.fingerprint == pair.fingerprint
    with closed():
        with closed(), pytest.raises(SealBroken):
            _ = hidden.test.labels
        with pytest.raises(SealBroken):
            _ = hidden.oracle.labels
        assert torch.equal(hidden.target, pair.target)
        assert torch.equal(hidden.source.labels, pair.source.labels)
        assert len(hidden.test) == 96
    assert torch.equal(hidden.test.labels, pair.test.labels)
