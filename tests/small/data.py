"""Small data sets in their publishers' formats, written below a data root; what a refusal looks like."""

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat

from datasets.pairs import published_digits
from datasets.sets import mnist, mnist_m, svhn, usps
from mistakes import UserMistake

TRAIN, TEST = 40, 20


def shrink(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the readers expect the small sets: their sizes, and no checksum."""
    for module, test in ((mnist, "t10k"), (usps, "test"), (svhn, "test")):
        monkeypatch.setattr(module, "COUNTS", {"train": TRAIN, test: TEST})
    for module in (mnist, svhn):
        monkeypatch.setattr(module, "CHECKSUMS", dict.fromkeys(module.CHECKSUMS, ""))
    monkeypatch.setattr(usps, "CHECKSUM", "")
    monkeypatch.setattr(mnist_m, "ARCHIVES", dict.fromkeys(mnist_m.ARCHIVES, ""))
    monkeypatch.setattr(published_digits, "LABELLED_IMAGES", 10)
    monkeypatch.setattr(mnist_m, "TRAIN", TRAIN)
    monkeypatch.setattr(mnist_m, "TEST", TEST)


def digits(count: int, side: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return random strokes on black (uint8, N × side × side) and labels 0, 1, … 9, 0, …"""
    random = np.random.default_rng(seed)
    pixels = random.integers(1, 256, (count, side, side), dtype=np.uint8)
    pixels[random.random(pixels.shape) < 0.7] = 0
    return pixels, np.arange(count) % 10


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    head = bytes((0, 0, kind, array.ndim)) + b"".join(size.to_bytes(4) for size in array.shape)
    return gzip.compress(head + array.astype(np.uint8).tobytes(), mtime=0)


def png(pixels: np.ndarray, form: str = "PNG") -> bytes:
    packed = io.BytesIO()
    Image.fromarray(pixels).save(packed, form)
    return packed.getvalue()


def put(root: Path, files: dict[str, bytes]) -> None:
    for name, raw in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(raw)


def tar(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, raw in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    return packed.getvalue()


def mnist_files() -> dict[str, bytes]:
    files = {}
    for split, count, seed in (("train", TRAIN, 0), ("t10k", TEST, 1)):
        pixels, labels = digits(count, 28, seed)
        files[f"mnist/{split}-images-idx3-ubyte.gz"] = idx(pixels)
        files[f"mnist/{split}-labels-idx1-ubyte.gz"] = idx(labels)
    return files


def mnist_m_pixels(split: str, count: int) -> np.ndarray:
    return np.random.default_rng(len(split)).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def mnist_m_files(train: int = TRAIN, test: int = TEST) -> dict[str, bytes]:
    files = {}
    for split, count in (("train", train), ("test", test)):
        lines = [f"{index:08}.png {index % 10}\n" for index in range(count)]
        files[f"mnist_m/mnist_m_{split}_labels.txt"] = "".join(lines).encode()
        for index, pixels in enumerate(mnist_m_pixels(split, count)):
            files[f"mnist_m/mnist_m_{split}/{index:08}.png"] = png(pixels)
    return files


def usps_file(parts: dict[str, np.ndarray] | None = None) -> bytes:
    """Return the HDF5 file; ``parts`` replaces or adds arrays by name."""
    arrays = {}
    for split, count, seed in (("train", TRAIN, 2), ("test", TEST, 3)):
        pixels, labels = digits(count, 16, seed)
        arrays[f"{split}/data"] = pixels.reshape(count, 256).astype(np.float32) / 255
        arrays[f"{split}/target"] = labels.astype(np.int32)
    packed = io.BytesIO()
    with h5py.File(packed, "w") as file:
        for name, array in {**arrays, **(parts or {})}.items():
            file[name] = array
    return packed.getvalue()


def svhn_file(count: int, seed: int, parts: dict[str, np.ndarray] | None = None) -> bytes:
    """Return the MATLAB file, which has rows, columns, colours, images in this order and calls 0 by 10."""
    pixels = np.random.default_rng(seed).integers(0, 256, (32, 32, 3, count), dtype=np.uint8)
    labels = (np.arange(count) % 10 + 1).astype(np.uint8)[:, None]
    packed = io.BytesIO()
    savemat(packed, {"X": pixels, "y": labels, **(parts or {})}, do_compression=True)
    return packed.getvalue()


def bsds_files() -> dict[str, bytes]:
    random = np.random.default_rng(4)
    sizes = {"train/1": (48, 64), "train/2": (64, 48), "test/3": (48, 64)}
    scenes = {name: random.integers(0, 256, (*size, 3), dtype=np.uint8) for name, size in sizes.items()}
    return {f"bsds500/{name}.jpg": png(scene, "JPEG") for name, scene in scenes.items()}


def linemod_files() -> dict[str, bytes]:
    files, random = {}, np.random.default_rng(5)
    for split in ("source", "target_train", "target_test"):
        lines = ["name,class,qw,qx,qy,qz"]
        for index in range(22):
            rgb, depth = random.integers(0, 256, (64, 64, 3)), random.integers(250, 256, (64, 64))
            files[f"linemod/{split}/rgb/{index:05}.png"] = png(rgb.astype(np.uint8))
            files[f"linemod/{split}/depth/{index:05}.png"] = png(depth.astype(np.uint8))
            turn = torch.nn.functional.normalize(torch.from_numpy(random.normal(size=4)), dim=0).tolist()
            lines.append(f"{index:05},{index % 11}," + ",".join(f"{part:.6f}" for part in turn))
        files[f"linemod/{split}/labels.csv"] = "\n".join(lines).encode()
    return files


def every_file() -> dict[str, bytes]:
    """Return the files of all sets by their path below the data root."""
    return {
        **mnist_files(),
        **mnist_m_files(),
        **bsds_files(),
        **linemod_files(),
        "usps/usps.h5": usps_file(),
        "svhn/train_32x32.mat": svhn_file(TRAIN, 6),
        "svhn/test_32x32.mat": svhn_file(TEST, 7),
    }


def refusal(load: Callable[[], object]) -> str:
    """Return the message with which this is refused; it has one line and says what is allowed."""
    with pytest.raises(UserMistake) as caught:
        load()
    message = str(caught.value)
    assert "; allowed: " in message
    assert "\n" not in message
    return message
