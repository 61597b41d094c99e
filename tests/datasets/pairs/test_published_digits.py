"""How pairs of published data are made, on small sets in their publishers' formats and, where it is, on the real data."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from datasets.catalogue import PAIRS, load_pair
from datasets.contract import DomainPair, Labelled
from datasets.files import reading
from datasets.pairs import published_digits
from datasets.sets import mnist, mnist_m
from mistakes import UserMistake
from tests.small.data import every_file, mnist_files, put, shrink

PUBLISHED = [name for name, entry in PAIRS.items() if entry.needs]
FAMILY = [name for name in PUBLISHED if "mnistm" in name and name != "mnist-mnistm-built"]
REAL = Path(os.environ.get("BENCH_DATA", ""))
on_real_data = pytest.mark.skipif(
    not os.environ.get("BENCH_DATA"), reason="needs the real data: BENCH_DATA is not set"
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shrink(monkeypatch)
    put(tmp_path, every_file())
    return tmp_path


def backgrounds(examples: Labelled) -> Tensor:
    """Return the pixels outside the masks."""
    assert examples.masks is not None
    return examples.images[(~examples.masks).expand_as(examples.images)]


# ---- every pair of published data


@pytest.mark.parametrize("name", PUBLISHED)
def test_pairs_load_from_the_publishers_files(name: str, root: Path) -> None:
    random = torch.get_rng_state(), np.random.get_state()[1].tolist()
    pair, again = load_pair(name, root), load_pair(name, root)
    assert (torch.get_rng_state().tolist(), np.random.get_state()[1].tolist()) == (
        random[0].tolist(),
        random[1],
    )
    assert pair.name == name
    assert pair.identity
    assert pair.fingerprint == again.fingerprint
    for split in pair.splits.values():
        assert split.images.is_contiguous()
        assert split.images.float().std() > 10
        assert split.masks is None or 0 < split.masks.float().mean() < 1


@pytest.mark.parametrize("name", PUBLISHED)
def test_each_file_that_a_pair_needs_is_wanted(name: str, root: Path) -> None:
    assert PAIRS[name].missing(root) == []
    for need in PAIRS[name].needs:
        first = need if isinstance(need, str) else need[0]
        for path in list(root.glob(first)):
            path.rename(path.with_suffix(".away"))
        with pytest.raises(UserMistake) as caught:
            load_pair(name, root)
        wanted = need if isinstance(need, str) else " or ".join(need)
        assert f"pair {name!r} needs {wanted} under the data root" in str(caught.value)
        for path in list(root.glob(str(Path(first).with_suffix(".away")))):
            path.rename(path.with_suffix(Path(first).suffix))


def test_without_a_root_all_needs_are_named() -> None:
    with pytest.raises(
        UserMistake, match=r"'mnist-usps' needs mnist/train-images.*, usps/usps.h5 .* not set"
    ):
        load_pair("mnist-usps")


# ---- enlarging


@pytest.mark.parametrize(("side", "size"), [(28, 32), (16, 28), (5, 5), (7, 8)])
def test_enlarge_is_bilinear_interpolation(side: int, size: int) -> None:
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (6, 2, side, side), generator=random, dtype=torch.uint8)
    enlarged = published_digits.upsample(images, size)
    expected = F.interpolate(images.double(), (size, size), mode="bilinear", align_corners=False)
    assert enlarged.dtype == torch.uint8
    assert (enlarged.double() - expected).abs().max() <= 0.5 + 1e-9


def test_enlarge_keeps_flat_images_flat() -> None:
    flat = torch.arange(256, dtype=torch.uint8).view(256, 1, 1, 1).expand(-1, -1, 16, 16)
    assert torch.equal(published_digits.upsample(flat, 28), flat[..., :1, :1].expand(-1, -1, 28, 28))


# ---- the pairs


def test_source_of_mnist_mnistm_is_grey_on_black_with_all_ink_masked(root: Path) -> None:
    pair = load_pair("mnist-mnistm", root)
    digits = mnist.read(root, "train")
    assert pair.shape == (3, 32, 32)
    assert torch.equal(pair.source.labels, digits.labels)
    expected = published_digits.upsample(digits.images, 32)
    for channel in range(3):
        assert torch.equal(pair.source.images[:, channel], expected[:, 0])
    assert pair.source.masks is not None
    assert torch.equal(pair.source.masks, expected > 0)
    train, test, identity = mnist_m.read(root)
    assert torch.equal(pair.oracle.images, train.images)
    assert torch.equal(pair.test.images, test.images)
    assert pair.identity == f"MNIST 60,000 train; {identity}"


def test_compose_inverts_the_patch_under_the_padded_digit() -> None:
    digit = torch.zeros(1, 1, 28, 28, dtype=torch.uint8)
    digit[0, 0, 0, 27] = 1
    digit[0, 0, 5, 6] = 255
    patch = torch.arange(3 * 32 * 32).remainder(256).to(torch.uint8).view(1, 3, 32, 32)
    images, masks = mnist_m.compose(digit, patch)
    assert masks.nonzero().tolist() == [[0, 0, 2, 29], [0, 0, 7, 8]]
    for row, column in np.ndindex(32, 32):
        inverted = (row, column) in ((2, 29), (7, 8))
        for channel in range(3):
            value = int(patch[0, channel, row, column])
            assert images[0, channel, row, column] == (255 - value if inverted else value)


def test_built_mnist_m_uses_the_photographs_of_its_split(root: Path) -> None:
    pair = load_pair("mnist-mnistm-built", root)
    assert pair.identity == "MNIST 60,000 train; MNIST-M built from MNIST and 3 BSDS500 photographs, seed 0"
    train, test = mnist.read(root, "train"), mnist.read(root, "t10k")
    for examples, digits, split in ((pair.oracle, train, "train"), (pair.test, test, "test")):
        assert torch.equal(examples.labels, digits.labels)
        assert examples.masks is not None
        assert torch.equal(examples.masks, F.pad(digits.images, (2, 2, 2, 2)) > 0)
        patches = torch.where(examples.masks, 255 - examples.images, examples.images)
        scenes = [
            reading.picture(path, path.read_bytes(), "RGB")
            for path in (root / "bsds500" / split).glob("*.jpg")
        ]
        for patch in patches.permute(0, 2, 3, 1).numpy():
            assert any(places(scene, patch) for scene in scenes)


def places(scene: np.ndarray, patch: np.ndarray, tolerance: int = 0) -> list[tuple[int, int]]:
    """Return every row and column where the scene shows the patch."""
    windows = np.lib.stride_tricks.sliding_window_view(scene, (32, 32, 3))[:, :, 0]
    corner = np.abs(windows[:, :, 0, :8].astype(int) - patch[0, :8]).max((2, 3)) <= tolerance
    return [
        (row, column)
        for row, column in np.argwhere(corner).tolist()
        if np.abs(windows[row, column].astype(int) - patch).max() <= tolerance
    ]


def test_mnistphotos_differs_from_mnist_in_the_background_alone(root: Path) -> None:
    black, photo = load_pair("mnist-mnistm", root), load_pair("mnistphotos-mnistm", root)
    assert black.source.masks is not None
    assert photo.source.masks is not None
    assert torch.equal(photo.source.masks, black.source.masks)
    assert torch.equal(photo.source.labels, black.source.labels)
    ink = black.source.masks.expand_as(black.source.images)
    assert torch.equal(photo.source.images[ink], black.source.images[ink])
    assert backgrounds(black.source).max() == 0
    assert backgrounds(photo.source).float().std() > 30
    assert photo.oracle.images.equal(black.oracle.images)
    assert photo.identity == f"{black.identity}; source over 2 BSDS500 photographs, seed 0"


def test_6of10_keeps_other_digits_from_the_target_alone(root: Path) -> None:
    whole, pair = load_pair("mnist-mnistm", root), load_pair("mnist-mnistm-6of10", root)
    assert pair.seen == (0, 1, 2, 3, 4, 5)
    assert pair.oracle.labels.unique().tolist() == [0, 1, 2, 3, 4, 5]
    assert torch.equal(pair.target, whole.target[whole.oracle.labels <= 5])
    assert torch.equal(pair.source.images, whole.source.images)
    assert torch.equal(pair.test.images, whole.test.images)
    assert "digits 0 … 5" in pair.identity


def test_1000_takes_the_labelled_images_from_the_target(root: Path) -> None:
    whole, pair = load_pair("mnist-mnistm", root), load_pair("mnist-mnistm-1000", root)
    assert pair.labelled is not None
    assert len(pair.labelled) == 10
    assert len(pair.oracle) == 30
    known = {keyed(image): label for image, label in zip(*pixels_and_labels(whole.oracle), strict=True)}
    parts = [
        dict(map(lambda i, k: (keyed(i), k), *pixels_and_labels(x))) for x in (pair.labelled, pair.oracle)
    ]
    assert parts[0] | parts[1] == known
    assert not parts[0].keys() & parts[1].keys()
    assert "10 of them labelled, seed 0" in pair.identity


def pixels_and_labels(examples: Labelled) -> tuple[list[Tensor], list[int]]:
    return list(examples.images), examples.labels.tolist()


def keyed(image: Tensor) -> bytes:
    return image.numpy().tobytes()


def test_usps_is_enlarged_to_mnists_size_and_mnist_stays(root: Path) -> None:
    there, back = load_pair("mnist-usps", root), load_pair("usps-mnist", root)
    assert there.shape == back.shape == (1, 28, 28)
    assert torch.equal(there.source.images, mnist.read(root, "train").images)
    assert torch.equal(there.source.images, back.oracle.images)
    assert torch.equal(there.oracle.images, back.source.images)
    assert torch.equal(back.test.images, mnist.read(root, "t10k").images)
    assert there.source.masks is not None
    assert torch.equal(there.source.masks, there.source.images > 0)
    assert back.source.masks is not None
    assert torch.equal(back.source.masks, back.source.images >= 96)


def test_svhn_meets_mnist_in_colour(root: Path) -> None:
    pair, black = load_pair("svhn-mnist", root), load_pair("mnist-mnistm", root)
    assert pair.shape == (3, 32, 32)
    assert pair.source.masks is None
    assert torch.equal(pair.oracle.images, black.source.images)
    assert len(pair.test) == 20


def test_any_one_form_of_mnist_m_will_do(tmp_path: Path) -> None:
    needs = PAIRS["mnist-mnistm"]
    put(tmp_path, mnist_files())
    wanted = "mnist_m/mnist_m_train_labels.txt or mnist_m/mnist_m.tar.gz or mnist_m/mnist_m_first5000.tar.gz"
    assert needs.missing(tmp_path) == [wanted]
    for name in wanted.split(" or "):
        put(tmp_path, {name: b""})
        assert needs.missing(tmp_path) == []
        (tmp_path / name).unlink()


# ---- the real data


@pytest.fixture(scope="module")
def real() -> DomainPair:
    return load_pair("mnist-mnistm", REAL)


@on_real_data
def test_real_mnist_and_mnist_m_show_the_same_digits(real: DomainPair) -> None:
    digits = mnist.read(REAL, "train")
    assert torch.equal(real.oracle.labels, digits.labels[: len(real.oracle)])
    assert torch.equal(real.test.labels, mnist.read(REAL, "t10k").labels[: len(real.test)])
    assert len(real.test) == 9_001
    assert digits.labels.bincount().tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


@on_real_data
@pytest.mark.parametrize(
    ("split", "index", "photograph", "row", "column"),
    [
        ("train", 0, "train/41004.jpg", 21, 256),
        ("test", 0, "train/311068.jpg", 269, 152),
        ("test", 3, "train/97017.jpg", 228, 239),
    ],
)
def test_compose_makes_real_images_of_the_release(
    split: str, index: int, photograph: str, row: int, column: int, real: DomainPair
) -> None:
    digit = mnist.read(REAL, "train" if split == "train" else "t10k").images[index : index + 1]
    path = REAL / "bsds500" / photograph
    scene = torch.from_numpy(reading.picture(path, path.read_bytes(), "RGB").copy()).permute(2, 0, 1)
    images, _ = mnist_m.compose(digit, scene[None, :, row : row + 32, column : column + 32])
    released = (real.oracle if split == "train" else real.test).images[index]
    assert (images[0].int() - released.int()).abs().max() <= 3


@on_real_data
def test_real_usps_has_its_published_counts() -> None:
    pair = load_pair("usps-mnist", REAL)
    assert pair.source.labels.bincount().tolist() == [1194, 1005, 731, 658, 652, 556, 664, 645, 542, 644]
    assert len(pair.source) == 7_291
    assert len(load_pair("mnist-usps", REAL).test) == 2_007
