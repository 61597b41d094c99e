"""The readers of published sets: what they return, and one clear line for everything that can be wrong."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from datasets.files import reading
from datasets.pairs import linemod
from datasets.sets import bsds500, mnist, mnist_m, svhn, usps
from tests.small.data import (
    TEST,
    TRAIN,
    bsds_files,
    digits,
    idx,
    linemod_files,
    mnist_files,
    mnist_m_files,
    mnist_m_pixels,
    png,
    put,
    refusal,
    shrink,
    svhn_file,
    tar,
    usps_file,
)

LINES = "mnist_m/mnist_m_train_labels.txt"
IMAGES, LABELS = "mnist/train-images-idx3-ubyte.gz", "mnist/train-labels-idx1-ubyte.gz"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shrink(monkeypatch)
    return tmp_path


# ---- MNIST


@pytest.mark.parametrize(("split", "count", "seed"), [("train", TRAIN, 0), ("t10k", TEST, 1)])
def test_mnist_gives_images_and_labels(split: str, count: int, seed: int, root: Path) -> None:
    put(root, mnist_files())
    examples = mnist.read(root, split)
    pixels, labels = digits(count, 28, seed)
    assert torch.equal(examples.images, torch.from_numpy(pixels)[:, None])
    assert torch.equal(examples.labels, torch.from_numpy(labels))
    assert examples.labels.dtype == torch.int64
    assert examples.masks is None


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        (LABELS, idx(np.arange(TRAIN - 1) % 10), "(39,)"),
        (LABELS, idx(np.arange(TRAIN) % 11), "labels in 0 … 10"),
        (IMAGES, idx(np.zeros((TRAIN, 28, 27))), "(40, 28, 27)"),
        (IMAGES, None, "cannot be read"),
    ],
)
def test_broken_mnist_is_refused(name: str, raw: bytes | None, said: str, root: Path) -> None:
    put(root, mnist_files())
    (root / name).unlink() if raw is None else put(root, {name: raw})
    message = refusal(lambda: mnist.read(root, "train"))
    assert said in message
    assert str(root / name) in message


@pytest.mark.parametrize("name", mnist.CHECKSUMS)
def test_changed_mnist_is_refused(name: str, tmp_path: Path) -> None:
    put(tmp_path, {name: idx(np.zeros(3)) for name in mnist.CHECKSUMS})
    (tmp_path / name).write_bytes(b"changed")
    message = refusal(lambda: reading.idx(tmp_path / name, (3,), mnist.CHECKSUMS[name]))
    assert f"has md5 {hashlib.md5(b'changed').hexdigest()}" in message
    assert mnist.CHECKSUMS[name].removeprefix("md5:") in message


# ---- MNIST-M

FORMS: dict[str, Callable[[dict[str, bytes]], dict[str, bytes]]] = {
    "unpacked": lambda members: members,
    "mnist_m.tar.gz": lambda members: {"mnist_m/mnist_m.tar.gz": tar(members)},
    "mnist_m_first5000.tar.gz": lambda members: {"mnist_m/mnist_m_first5000.tar.gz": tar(members)},
}


@pytest.mark.parametrize("form", FORMS)
def test_mnist_m_is_the_same_in_every_form(form: str, root: Path) -> None:
    put(root, FORMS[form](mnist_m_files()))
    before = sorted(root.rglob("*"))
    train, test, identity = mnist_m.read(root)
    assert sorted(root.rglob("*")) == before
    for examples, split, count in ((train, "train", TRAIN), (test, "test", TEST)):
        pixels = torch.from_numpy(mnist_m_pixels(split, count)).permute(0, 3, 1, 2)
        assert torch.equal(examples.images, pixels)
        assert torch.equal(examples.labels, torch.arange(count) % 10)
        assert examples.images.is_contiguous()
    assert identity == "MNIST-M release, 40 train, 20 test"


def test_unpacked_comes_before_the_release_and_that_before_its_beginning(root: Path) -> None:
    for count, form in ((2, "mnist_m_first5000.tar.gz"), (3, "mnist_m.tar.gz"), (4, "unpacked")):
        put(root, FORMS[form](mnist_m_files(train=count)))
        train, _, identity = mnist_m.read(root)
        assert len(train) == count
        assert identity == f"MNIST-M release, first {count} of 40 train, 20 test"


def test_a_choice_of_images_is_not_called_the_first(root: Path) -> None:
    put(root, mnist_m_files())
    put(root, {LINES: b"00000001.png 1\n00000003.png 3\n"})
    train, _, identity = mnist_m.read(root)
    assert train.labels.tolist() == [1, 3]
    assert identity == "MNIST-M release, 2 of 40 train, 20 test"


BROKEN_MNIST_M: dict[str, tuple[dict[str, bytes], str]] = {
    "missing image": ({LINES: b"00000099.png 1\n"}, "00000099.png"),
    "escaping image": ({LINES: b"../../x.png 1\n"}, "../../x.png"),
    "label 10": ({LINES: b"00000000.png 1\n00000001.png 10\n"}, "has line 2: '00000001.png 10'"),
    "no label": ({LINES: b"00000000.png\n"}, "has line 1: '00000000.png'"),
    "other text": ({LINES: b"\xff\xfe\n"}, "has line 1"),
    "too few tests": (
        {"mnist_m/mnist_m_test_labels.txt": b"00000000.png 0\n"},
        "lists 1 images; allowed: all 20",
    ),
    "another size": (
        {"mnist_m/mnist_m_train/00000001.png": png(np.zeros((28, 28, 3), np.uint8))},
        "is RGB, 28×28; allowed: RGB, 32×32",
    ),
    "grey": ({"mnist_m/mnist_m_train/00000001.png": png(np.zeros((32, 32), np.uint8))}, "is L, 32×32"),
    "no picture": ({"mnist_m/mnist_m_train/00000001.png": b"hello"}, "00000001.png' cannot be decoded"),
}


@pytest.mark.parametrize("form", ["unpacked", "mnist_m.tar.gz"])
@pytest.mark.parametrize("case", BROKEN_MNIST_M)
def test_broken_mnist_m_is_refused(case: str, form: str, root: Path) -> None:
    changed, said = BROKEN_MNIST_M[case]
    put(root, FORMS[form](mnist_m_files() | changed))
    assert said in refusal(lambda: mnist_m.read(root))


@pytest.mark.parametrize("name", mnist_m.ARCHIVES)
def test_changed_archives_are_refused(name: str, tmp_path: Path) -> None:
    put(tmp_path, {name: tar(mnist_m_files(1, 1))})
    assert mnist_m.ARCHIVES[name].partition(":")[2] in refusal(lambda: mnist_m.read(tmp_path))


def test_without_mnist_m_the_release_is_named(tmp_path: Path) -> None:
    assert "mnist_m/mnist_m.tar.gz" in refusal(lambda: mnist_m.read(tmp_path))


# ---- USPS


@pytest.mark.parametrize(("split", "count", "seed"), [("train", TRAIN, 2), ("test", TEST, 3)])
def test_usps_gives_images_and_labels(split: str, count: int, seed: int, root: Path) -> None:
    put(root, {"usps/usps.h5": usps_file()})
    examples = usps.read(root, split)
    pixels, labels = digits(count, 16, seed)
    assert torch.equal(examples.images, torch.from_numpy(pixels)[:, None])
    assert torch.equal(examples.labels, torch.from_numpy(labels))
    assert examples.labels.dtype == torch.int64


def test_usps_pixels_are_rounded(root: Path) -> None:
    pixels = np.full((TRAIN, 256), 0.999, np.float32)  # 254.7 of 255
    put(root, {"usps/usps.h5": usps_file({"train/data": pixels})})
    assert usps.read(root, "train").images.unique().tolist() == [255]


def without_targets() -> bytes:
    import h5py

    packed = io.BytesIO()
    with h5py.File(packed, "w") as file:
        file["train/data"] = np.zeros((TRAIN, 256))
    return packed.getvalue()


BROKEN_USPS = {
    "no HDF5": (b"hello", "cannot be read"),
    "empty": (b"", "cannot be read"),
    "truncated": (usps_file()[:-100], "cannot be read"),
    "another layout": (without_targets(), "cannot be read"),
    "too few labels": (
        usps_file({"train/target": np.zeros(TRAIN - 1)}),
        "train/target of float64 and shape (39,)",
    ),
    "label 10": (usps_file({"train/target": np.arange(TRAIN) % 11}), "train/target in 0 … 10"),
    "another size": (usps_file({"train/data": np.zeros((TRAIN, 255))}), "(40, 255)"),
    "another range": (usps_file({"train/data": np.full((TRAIN, 256), -1.0)}), "-1.0 … -1.0; allowed: 0 … 1"),
    "words": (usps_file({"train/data": np.full((TRAIN, 256), b"a")}), "numbers of shape"),
}


@pytest.mark.parametrize("case", BROKEN_USPS)
def test_broken_usps_is_refused(case: str, root: Path) -> None:
    raw, said = BROKEN_USPS[case]
    put(root, {"usps/usps.h5": raw})
    message = refusal(lambda: usps.read(root, "train"))
    assert said in message
    assert "usps.h5" in message


def test_changed_usps_is_refused(tmp_path: Path) -> None:
    put(tmp_path, {"usps/usps.h5": usps_file()})
    assert "734f88c541104a956d88be2c95d03b4a463ffd74ccc2ba9c80841fb98e3fcb36" in refusal(
        lambda: usps.read(tmp_path, "test")
    )


# ---- SVHN


def test_svhn_gives_images_and_labels_with_ten_for_zero(root: Path) -> None:
    put(root, {"svhn/test_32x32.mat": svhn_file(TEST, 7)})
    examples = svhn.read(root, "test")
    pixels = np.random.default_rng(7).integers(0, 256, (32, 32, 3, TEST), dtype=np.uint8)
    assert examples.images.shape == (TEST, 3, 32, 32)
    assert examples.images.is_contiguous()
    for index, channel, row, column in ((0, 0, 1, 2), (19, 2, 30, 5), (7, 1, 0, 31)):
        assert examples.images[index, channel, row, column] == pixels[row, column, channel, index]
    assert examples.labels.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0] * 2


BROKEN_SVHN = {
    "no MATLAB file": (b"hello", "cannot be read"),
    "empty": (b"", "cannot be read"),
    "truncated": (svhn_file(TEST, 7)[:-100], "cannot be read"),
    "cut early": (svhn_file(TEST, 7)[:200], "cannot be read"),
    "other images": (svhn_file(TEST + 1, 7), "(32, 32, 3, 21)"),
    "too few labels": (svhn_file(TEST, 7, {"y": np.ones((TEST - 1, 1))}), "(19, 1)"),
    "label 0": (svhn_file(TEST, 7, {"y": np.zeros((TEST, 1))}), "in 0.0 … 0.0; allowed: 1 … 10"),
    "label 11": (svhn_file(TEST, 7, {"y": np.full((TEST, 1), 11)}), "in 11 … 11; allowed: 1 … 10"),
}


@pytest.mark.parametrize("case", BROKEN_SVHN)
def test_broken_svhn_is_refused(case: str, root: Path) -> None:
    raw, said = BROKEN_SVHN[case]
    put(root, {"svhn/test_32x32.mat": raw})
    assert said in refusal(lambda: svhn.read(root, "test"))


def test_changed_svhn_is_refused(tmp_path: Path) -> None:
    put(tmp_path, {"svhn/train_32x32.mat": svhn_file(TRAIN, 6)})
    assert "e26dedcc434d2e4c54c9b2d4a06d8373" in refusal(lambda: svhn.read(tmp_path, "train"))


# ---- photographs


def test_photographs_are_read_in_order_of_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, bsds_files())
    found = Path.glob
    monkeypatch.setattr(Path, "glob", lambda self, name: sorted(found(self, name), reverse=True))
    assert [scene.shape for scene in bsds500.read(tmp_path, "train")] == [(48, 64, 3), (64, 48, 3)]
    assert [scene.shape for scene in bsds500.read(tmp_path, "test")] == [(48, 64, 3)]


def test_broken_photographs_are_refused(tmp_path: Path) -> None:
    assert "bsds500/train/*.jpg" in refusal(lambda: bsds500.read(tmp_path, "train"))
    put(tmp_path, {"bsds500/train/a.jpg": png(np.zeros((40, 31, 3), np.uint8), "JPEG")})
    assert "is 31×40; allowed: at least 32×32" in refusal(lambda: bsds500.read(tmp_path, "train"))
    put(tmp_path, {"bsds500/train/a.jpg": b"hello"})
    assert "a.jpg' cannot be decoded" in refusal(lambda: bsds500.read(tmp_path, "train"))


def test_crops_are_random_windows_of_all_photographs() -> None:
    scenes = [np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3), np.zeros((4, 6, 3), np.uint8)]
    drawn, origins = bsds500.crops(scenes, 200, 4, np.random.default_rng(0))
    assert drawn.is_contiguous()
    windows = [torch.zeros(3, 4, 4, dtype=torch.uint8)] + [
        torch.from_numpy(scenes[0][row : row + 4, column : column + 4]).permute(2, 0, 1)
        for row in range(2)
        for column in range(4)
    ]
    kinds = [next(kind for kind, w in enumerate(windows) if torch.equal(w, crop)) for crop in drawn]
    assert set(kinds) == set(range(9))
    assert origins.tolist() == [int(kind == 0) for kind in kinds]
    assert torch.equal(bsds500.crops(scenes, 200, 4, np.random.default_rng(0))[0], drawn)


# ---- LineMod


def test_linemod_has_colours_depth_class_and_rotation(tmp_path: Path) -> None:
    put(tmp_path, linemod_files())
    pair = linemod.load(tmp_path)
    assert pair.shape == (4, 64, 64)
    assert pair.identity == "cropped LineMod, 22 renderings, 22 train, 22 test"
    raw = {
        name: (tmp_path / f"linemod/target_test/{name}/00007.png").read_bytes() for name in ("rgb", "depth")
    }
    rgb, depth = reading.picture("rgb", raw["rgb"], "RGB"), reading.picture("depth", raw["depth"], "L")
    image = pair.test.images[7].permute(1, 2, 0).numpy()
    assert np.array_equal(image, np.concatenate([rgb, depth[..., None]], 2))
    assert pair.test.masks is not None
    assert np.array_equal(pair.test.masks[7, 0].numpy(), depth <= 252)  # 0.99 · 255 = 252.45
    assert pair.test.labels[7, 0] == 7
    line = (tmp_path / "linemod/target_test/labels.csv").read_text().splitlines()[8]
    assert pair.test.labels[7, 1:].tolist() == pytest.approx([float(part) for part in line.split(",")[2:]])


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("labels.csv", b"", "begins with ''"),
        ("labels.csv", b"name,class\n", "begins with 'name,class'; allowed: 'name,class,qw,qx,qy,qz'"),
        ("labels.csv", b"name,class,qw,qx,qy,qz\n00000,1,1,0,0\n", "has line 2: '00000,1,1,0,0'"),
        ("labels.csv", b"name,class,qw,qx,qy,qz\n00000,cat,1,0,0,0\n", "has line 2"),
        ("labels.csv", b"name,class,qw,qx,qy,qz\n00099,1,1,0,0,0\n", "rgb/00099.png' cannot be read"),
        ("rgb/00003.png", png(np.zeros((64, 63, 3), np.uint8)), "rgb/00003.png' is RGB, 63×64"),
        ("depth/00003.png", png(np.zeros((64, 64, 3), np.uint8)), "depth/00003.png' is RGB, 64×64"),
    ],
)
def test_broken_linemod_is_refused(name: str, raw: bytes, said: str, tmp_path: Path) -> None:
    put(tmp_path, linemod_files() | {f"linemod/target_train/{name}": raw})
    assert said in refusal(lambda: linemod.load(tmp_path))
