"""The artefact score: 1 % for real images, more for images with faults that real ones do not have."""

import pytest
import torch
from torch import Tensor

from benchmarks.scores.artefacts import PATCHES, SIDE, PatchManifold, patches_of
from datasets.catalogue import load_pair
from datasets.contract import to_bytes, to_unit


@pytest.fixture(scope="module")
def manifold() -> PatchManifold:
    pair = load_pair("fonts-digits")
    return PatchManifold.of(pair.target, pair.test.images[::2])


@pytest.fixture(scope="module")
def real() -> Tensor:
    return load_pair("fonts-digits").test.images[1::2]


def checkerboard(amplitude: float) -> Tensor:
    return amplitude * ((torch.arange(16)[:, None] + torch.arange(16)) % 2 * 2 - 1)


def test_real_images_score_what_the_limit_lets_out(manifold: PatchManifold, real: Tensor) -> None:
    assert 0.2 < manifold.artefacts(real) < 3


def test_faults_score_the_higher_the_stronger_they_are(manifold: PatchManifold, real: Tensor) -> None:
    found = [
        manifold.artefacts(to_bytes(to_unit(real) + checkerboard(size))) for size in (0, 0.02, 0.05, 0.2)
    ]
    assert found == sorted(found)
    assert found[1] > 5 * found[0]
    assert found[2] > 80


def test_the_fault_may_lie_in_a_few_places(manifold: PatchManifold, real: Tensor) -> None:
    stained = real.clone()
    stained[:, :, 2:4, 2:4] = 255  # the same dot in the corner of every image
    near = sum(top <= 3 and left <= 3 for top in range(9) for left in range(9)) / 81
    assert manifold.artefacts(stained) > 100 * near / 2


def test_ratios_are_those_of_a_loop(manifold: PatchManifold, real: Tensor) -> None:
    patches = patches_of(real)[:5]
    for patch, ratio in zip(patches, manifold.ratios(patches), strict=True):
        white = (patch.double() - manifold.mean) @ manifold.whitening.double()
        naive = min(
            (white - one).norm() / reach
            for one, reach in zip(manifold.real.double(), manifold.reach.double(), strict=True)
        )
        assert ratio.item() == pytest.approx(naive.item(), rel=2e-2)  # cdist rounds small distances


def test_whitened_real_patches_have_unit_variance_where_they_vary(manifold: PatchManifold) -> None:
    variances = manifold.real.double().var(0)
    assert variances.max().item() == pytest.approx(1, abs=0.02)
    assert (variances <= 1.001).all()


def test_patches_are_cut_from_the_images() -> None:
    images = torch.arange(2 * 3 * 9 * 10, dtype=torch.int64).remainder(251).to(torch.uint8).view(2, 3, 9, 10)
    every = {
        tuple(to_unit(images[n, :, y : y + SIDE, x : x + SIDE]).flatten().tolist())
        for n in range(2) for y in range(2) for x in range(3)
    }  # fmt: skip
    patches = patches_of(images)
    assert patches.shape == (PATCHES, 3 * SIDE * SIDE)
    assert {tuple(patch.tolist()) for patch in patches} == every


def test_images_smaller_than_a_patch_are_one_patch() -> None:
    images = torch.randint(256, (20, 1, 5, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert patches_of(images).shape == (PATCHES, 25)
    assert PatchManifold.of(images, images).artefacts(images) <= 1


def test_images_that_are_all_alike_give_a_finite_limit() -> None:
    flat = torch.full((4, 1, 16, 16), 7, dtype=torch.uint8)
    manifold = PatchManifold.of(flat, flat)
    assert manifold.artefacts(flat) == 0
    assert manifold.artefacts(flat + 100) == 100
