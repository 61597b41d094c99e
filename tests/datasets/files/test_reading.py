"""Reading published files in general: checksums, IDX, archives, folders, pictures; one clear line for every defect."""

import gzip
import hashlib
import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from datasets.files import reading
from tests.small.data import idx, png, put, refusal, tar

# ---- bytes and checksums


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_contents_are_compared_with_the_checksum(tmp_path: Path, algorithm: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    right, wrong = (hashlib.new(algorithm, raw).hexdigest() for raw in (b"abc", b"abd"))
    assert reading.contents(path) == reading.contents(path, f"{algorithm}:{right}") == b"abc"
    message = refusal(lambda: reading.contents(path, f"{algorithm}:{wrong}"))
    assert f"'{path}' has {algorithm} {right}; allowed: {wrong}" in message


def test_a_missing_file_and_a_missing_root_are_named(tmp_path: Path) -> None:
    assert str(tmp_path / "a") in refusal(lambda: reading.contents(tmp_path / "a"))
    assert reading.under(tmp_path, "b/c") == tmp_path / "b/c"
    assert "'b/c' is wanted, but no data root" in refusal(lambda: reading.under(None, "b/c"))


# ---- IDX


def test_idx_gives_back_what_was_written(tmp_path: Path) -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    put(tmp_path, {"a.gz": idx(pixels)})
    read = reading.idx(tmp_path / "a.gz", (2, 3, 4))
    assert np.array_equal(read, pixels)
    assert read.flags.writeable


BROKEN_IDX = {
    "truncated": (idx(np.zeros((2, 3)))[:-6], "cannot be unpacked"),
    "no gzip": (b"nothing of the kind", "cannot be unpacked"),
    "empty": (b"", "begins with ''"),
    "magic of 16 bits": (idx(np.zeros((2, 3)), kind=11), "begins with '00000b02'"),
    "magic of 3 axes": (idx(np.zeros((2, 3, 1))), "begins with '00000803'"),
    "another count": (idx(np.zeros((4, 3))), "(4, 3)"),
    "another shape": (idx(np.zeros((2, 5))), "(2, 5)"),
    "header cut": (gzip.compress(gzip.decompress(idx(np.zeros((2, 3))))[:10]), "(2, 0)"),
    "data cut": (gzip.compress(gzip.decompress(idx(np.zeros((2, 3))))[:-1]), "has 5 bytes after"),
    "data added": (gzip.compress(gzip.decompress(idx(np.zeros((2, 3)))) + b"x"), "has 7 bytes after"),
}


@pytest.mark.parametrize("case", BROKEN_IDX)
def test_broken_idx_is_refused(case: str, tmp_path: Path) -> None:
    raw, said = BROKEN_IDX[case]
    put(tmp_path, {"a.gz": raw})
    message = refusal(lambda: reading.idx(tmp_path / "a.gz", (2, 3)))
    assert said in message
    assert "a.gz" in message


# ---- archives


def zipped(members: dict[str, bytes], kind: int = 0) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, raw in members.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = (kind | 0o644) << 16
            archive.writestr(member, raw)
    return packed.getvalue()


def linked(kind: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("inside.txt")
        member.type, member.linkname = kind, "../outside.txt"
        archive.addfile(member)
    return packed.getvalue()


@pytest.mark.parametrize("pack", [tar, zipped])
def test_archives_give_their_members(pack: Callable[[dict[str, bytes]], bytes], tmp_path: Path) -> None:
    put(tmp_path, {"a": pack({"b/c.txt": b"one", "./d.txt" if pack is tar else "d.txt": b"two"})})
    read = reading.archive(tmp_path / "a")
    assert (read("b/c.txt"), read("d.txt")) == (b"one", b"two")
    assert "has no member 'e.txt'" in refusal(lambda: read("e.txt"))
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("name", ["/etc/passwd", "../a", "b/../../c", "..\\a", "C:\\a", "b/.."])
@pytest.mark.parametrize("pack", [tar, zipped])
def test_names_that_escape_are_refused(
    pack: Callable[[dict[str, bytes]], bytes], name: str, tmp_path: Path
) -> None:
    put(tmp_path, {"a": pack({"good": b"", name: b""})})
    assert "leads outside" in refusal(lambda: reading.archive(tmp_path / "a"))


@pytest.mark.parametrize(
    "raw",
    [
        *(linked(kind) for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE)),
        *(zipped({"inside.txt": b"../outside.txt"}, kind) for kind in (stat.S_IFLNK, stat.S_IFIFO)),
    ],
    ids=["symbolic link", "hard link", "pipe", "device", "zipped link", "zipped pipe"],
)
def test_links_and_devices_are_refused(raw: bytes, tmp_path: Path) -> None:
    put(tmp_path, {"a": raw})
    assert "'inside.txt', a link or device" in refusal(lambda: reading.archive(tmp_path / "a"))


def test_nothing_is_read_of_an_archive_with_a_bad_member(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[object] = []
    monkeypatch.setattr(tarfile.TarFile, "extractfile", lambda tar, member: taken.append(member))
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda archived, name: taken.append(name))
    for pack in (tar, zipped):
        put(tmp_path, {"a": pack({"good": b"x", "../bad": b"x"})})
        assert "leads outside" in refusal(lambda: reading.archive(tmp_path / "a"))
    assert taken == []


@pytest.mark.parametrize("pack", [tar, zipped])
@pytest.mark.parametrize("left", [0, 2, 30, -40])
def test_broken_archives_are_refused(
    pack: Callable[[dict[str, bytes]], bytes], left: int, tmp_path: Path
) -> None:
    put(tmp_path, {"a": pack({"b": np.random.default_rng(0).bytes(5000)})[:left]})
    assert "cannot be unpacked" in refusal(lambda: reading.archive(tmp_path / "a"))


def test_folders_give_their_files_and_no_others(tmp_path: Path) -> None:
    put(tmp_path, {"a/b": b"in", "c": b"out"})
    read = reading.folder(tmp_path / "a")
    assert read("b") == b"in"
    assert "cannot be read" in refusal(lambda: read("d"))
    for name in ("../c", str(tmp_path / "c")):
        assert "leads outside" in refusal(lambda name=name: read(name))


# ---- pictures and arrays


def test_pictures_are_decoded_bit_for_bit() -> None:
    pixels = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)
    assert np.array_equal(reading.picture("a", png(pixels), "RGB", (4, 5)), pixels)
    assert np.array_equal(reading.picture("a", png(pixels[..., 0]), "L"), pixels[..., 0])


def test_pictures_of_another_kind_are_refused() -> None:
    raw = png(np.zeros((5, 4, 3), np.uint8))
    assert "is RGB, 4×5; allowed: RGB, 5×4" in refusal(lambda: reading.picture("a", raw, "RGB", (5, 4)))
    assert "is RGB, 4×5; allowed: L, any size" in refusal(lambda: reading.picture("a", raw, "L"))
    for broken in (raw[:-30], raw[:10], b"", b"BM" + raw):
        assert "'a' cannot be decoded" in refusal(lambda broken=broken: reading.picture("a", broken, "RGB"))


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((2, 3)), "shape (2, 3); allowed: numbers of shape (3,)"),
        (np.array(["a", "b", "c"]), "<U1"),
        (np.array([0, 1, 11]), "in 0 … 11; allowed: 0 … 9"),
        (np.array([-1, 1, 2]), "in -1 … 2; allowed: 0 … 9"),
        (np.array([1, np.nan, 2]), "in nan … nan"),
    ],
)
def test_arrays_of_another_shape_or_span_are_refused(array: np.ndarray, said: str) -> None:
    reading.expect(Path("a"), "labels", np.array([0, 9, 3]), (3,), (0, 9))
    assert said in refusal(lambda: reading.expect(Path("a"), "labels", array, (3,), (0, 9)))
