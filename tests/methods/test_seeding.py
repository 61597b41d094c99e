"""Random streams that belong to one purpose each."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from methods.seeding import derive, generator, initialising

PURPOSES = ("batches", "history", "init refiner", "init critic", "init guidance", "evaluation")


def initial(seed: int, purpose: str) -> Tensor:
    with initialising(seed, purpose):
        return nn.Linear(4, 4).weight.detach()


@pytest.fixture(autouse=True)
def global_state_put_back() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        yield


@pytest.mark.parametrize(
    ("seed", "purpose", "derived"),
    [(0, "batches", 2312056721596985416), (7, "init critic", 1786647476129093001)],
)
def test_derived_seeds_are_the_same_for_ever(seed: int, purpose: str, derived: int) -> None:
    assert derive(seed, purpose) == derived


def test_every_seed_and_purpose_has_a_seed_of_its_own_that_torch_takes() -> None:
    seeds = {derive(seed, purpose) for seed in range(-5, 50) for purpose in PURPOSES}
    assert len(seeds) == 55 * len(PURPOSES)
    assert 0 <= min(seeds) <= max(seeds) < 2**63


def test_generators_of_one_purpose_draw_alike_and_of_two_differ() -> None:
    draws = [torch.rand(8, generator=generator(3, purpose)) for purpose in ("a", "a", "b")]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_generator_starts_from_the_derived_seed() -> None:
    assert generator(3, "history").initial_seed() == derive(3, "history")


def test_generator_leaves_the_global_state_alone() -> None:
    before = torch.random.get_rng_state()
    torch.rand(8, generator=generator(3, "history"))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_initialising_leaves_the_global_state_as_it_was() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    initial(0, "refiner")
    assert torch.equal(torch.random.get_rng_state(), before)


def test_initialising_leaves_the_global_state_as_it_was_after_an_error() -> None:
    before = torch.random.get_rng_state()
    with pytest.raises(ZeroDivisionError), initialising(0, "refiner"):
        torch.rand(1 // 0)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_initial_weights_depend_on_seed_and_purpose_alone() -> None:
    torch.manual_seed(1)
    first = initial(0, "refiner")
    torch.manual_seed(2)
    torch.rand(3)
    assert torch.equal(initial(0, "refiner"), first)
    assert not torch.equal(initial(1, "refiner"), first)
    assert not torch.equal(initial(0, "critic"), first)


def test_initial_weights_do_not_follow_from_a_plain_generator_of_the_same_name() -> None:
    with initialising(0, "refiner"):
        drawn = torch.rand(8)
    assert not torch.equal(drawn, torch.rand(8, generator=generator(0, "refiner")))
