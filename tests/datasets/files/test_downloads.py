"""Downloads: what is fetched, checked, kept and refused. Addresses are a local server's."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from datasets.catalogue import PAIRS
from datasets.files.downloads import SETS, download
from datasets.sets import mnist
from tests.small.data import put, refusal

NAMES = [name.removeprefix("mnist/") for name in mnist.CHECKSUMS]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *words: object) -> None:
        pass


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve this folder over HTTP as the home of MNIST and SVHN, whose files hold their own names here."""
    folder = tmp_path / "shop"
    put(folder, {name: name.encode() for name in [*NAMES, "train_32x32.mat", "test_32x32.mat"]})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        for name in ("mnist", "svhn"):
            checksums = {
                path: "md5:" + hashlib.md5(Path(path).name.encode()).hexdigest()
                for path in SETS[name].checksums
            }
            url = f"http://127.0.0.1:{server.server_port}/"
            monkeypatch.setitem(SETS, name, replace(SETS[name], url=url, checksums=checksums))
        yield folder
        server.shutdown()


def files_below(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def bring(pair: str, root: Path) -> list[str]:
    """Return the lines that are told while the files of a pair of the catalogue are brought."""
    told: list[str] = []
    download(pair, PAIRS[pair], root, told.append)
    return told


def refused(pair: str, root: Path) -> str:
    return refusal(lambda: bring(pair, root))


def test_a_pairs_files_come_with_their_notices(shop: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    told = bring("svhn-mnist", root)
    wanted = {"svhn/train_32x32.mat": b"train_32x32.mat"} | {f"mnist/{name}": name.encode() for name in NAMES}
    assert files_below(root) == wanted
    assert PAIRS["svhn-mnist"].missing(root) == []
    assert told[0] == "SVHN: for non-commercial use only"
    assert "MNIST: CC BY-SA 3.0 as usually cited" in told
    assert sum("downloaded from http://127.0.0.1" in line for line in told) == 5
    assert not [line for line in told if "\n" in line]


def test_files_that_are_there_are_kept(shop: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    bring("svhn-mnist", root)
    for path in shop.iterdir():
        path.unlink()
    told = bring("svhn-mnist", root)
    assert sum("already there" in line for line in told) == 5


def test_changed_files_that_are_there_are_refused_and_kept(shop: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    put(root, {f"mnist/{NAMES[0]}": b"my own"})
    assert NAMES[0] in refused("svhn-mnist", root)
    assert (root / "mnist" / NAMES[0]).read_bytes() == b"my own"


def test_downloads_with_another_checksum_are_not_kept(shop: Path, tmp_path: Path) -> None:
    (shop / NAMES[1]).write_bytes(b"changed on the way")
    message = refused("svhn-mnist", tmp_path / "data")
    assert hashlib.md5(b"changed on the way").hexdigest() in message
    assert hashlib.md5(NAMES[1].encode()).hexdigest() in message
    assert sorted(files_below(tmp_path / "data")) == [f"mnist/{NAMES[0]}", "svhn/train_32x32.mat"]


def test_addresses_that_do_not_answer_are_named(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / NAMES[0]).unlink()
    assert f"/{NAMES[0]}' to " in refused("svhn-mnist", tmp_path / "data")
    monkeypatch.setitem(SETS, "svhn", replace(SETS["svhn"], url="http://127.0.0.1:9/"))
    message = refused("svhn-mnist", tmp_path / "other")
    assert "download of 'http://127.0.0.1:9/train_32x32.mat'" in message
    assert files_below(tmp_path / "other") == {}


def test_a_root_that_is_a_file_is_named(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    assert "a writable folder" in refused("svhn-mnist", tmp_path / "data")


@pytest.mark.parametrize(
    ("pair", "names"),
    [
        ("mnist-mnistm", ["MNIST-M from http://yaroslav.ganin.net", "mnist_m/mnist_m.tar.gz"]),
        ("mnist-mnistm-built", ["BSDS500 from http", "non-commercial", "bsds500/train/*.jpg"]),
        ("mnistphotos-mnistm", ["MNIST-M and BSDS500", "MNIST-M from", "BSDS500 from"]),
        ("mnist-usps", ["USPS from", "usps/usps.h5"]),
        ("linemod", ["LineMod from its authors", "linemod/target_train", "labels.csv"]),
    ],
)
def test_sets_to_get_by_hand_are_named_after_the_others_came(
    pair: str, names: list[str], shop: Path, tmp_path: Path
) -> None:
    message = refused(pair, tmp_path)
    assert message.startswith(f"pair {pair!r} needs ")
    assert not [name for name in names if name not in message]
    assert "MNIST CC" not in message
    assert (tmp_path / "mnist").exists() == (pair != "linemod")


def test_sets_that_were_got_by_hand_are_not_asked_for(shop: Path, tmp_path: Path) -> None:
    put(tmp_path, {"usps/usps.h5": b"as it was"})
    told = bring("usps-mnist", tmp_path)
    assert not [line for line in told if "USPS" in line]
    assert (tmp_path / "usps/usps.h5").read_bytes() == b"as it was"
    assert all((tmp_path / name).exists() for name in mnist.CHECKSUMS)


def test_embedded_pairs_need_nothing(tmp_path: Path) -> None:
    told = bring("shapes", tmp_path / "data")
    assert told == ["pair 'shapes' comes with the installed packages"]
    assert not (tmp_path / "data").exists()


def test_every_need_belongs_to_a_set() -> None:
    folders = {need.partition("/")[0] for entry in PAIRS.values() for need in entry.missing(None)}
    assert folders == set(SETS)
