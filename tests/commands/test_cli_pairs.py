"""Published pairs through the command line, from small files in their publishers' formats; and what bad files do."""

import json
from pathlib import Path

import pytest

import bench
from benchmarks.records import store
from benchmarks.records.record import RunRecord
from tests.small.data import every_file, put, shrink


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shrink(monkeypatch)
    put(tmp_path / "data", every_file())
    return tmp_path / "data"


def run(root: Path, pair: str, methods: str) -> dict[str, RunRecord]:
    options = ["--methods", methods, "--pair", pair, "--scale", "smoke", "--seeds", "1", "--device", "cpu"]
    results = root.parent / "results"
    assert bench.main([*options, "--data", str(root), "--results", str(results)]) == 0
    return {record.row: record for record in store.read_all(results)}


def test_poses_are_scored_by_class_and_angle(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = run(root, "linemod", "pixelda,dann")
    for row in ("source-only", "pixelda", "dann", "target-only"):
        assert 0 <= done[row].scores["error"] <= 100
        assert 0 <= done[row].scores["angle"] <= 180
    assert done["dann"].scores["angle"] == done["dann"].scores["own_angle"]
    assert done["pixelda"].scores["own_angle"] is not None
    assert "target angle °" in capsys.readouterr().out


def test_unseen_classes_have_an_error_of_their_own(root: Path) -> None:
    done = run(root, "mnist-mnistm-6of10", "pixelda,dann")
    for row in ("source-only", "pixelda", "dann", "target-only"):
        assert 0 <= done[row].scores["unseen_error"] <= 100


def test_identity_of_the_data_is_in_record_and_table(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = run(root, "mnist-mnistm", "pixelda")
    identity = done["pixelda"].protocol["identity"]
    assert "MNIST-M release" in str(identity)
    assert str(identity) in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "pair", ["mnist-mnistm-built", "mnistphotos-mnistm", "mnist-mnistm-1000", "usps-mnist", "svhn-mnist"]
)
def test_every_other_published_pair_runs_from_end_to_end(pair: str, root: Path) -> None:
    done = run(root, pair, "pixelda")
    assert set(done) == {"source-only", "pixelda", "target-only"}
    for record in done.values():
        assert 0 <= record.scores["error"] <= 100
        assert record.protocol["identity"]


def test_rows_without_adapter_are_blank_with_a_reason(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (dann,) = (record for row, record in run(root, "mnist-usps", "dann").items() if row == "dann")
    assert dann.scores["fid"] is None
    assert dann.scores["error"] == dann.scores["own_error"]
    said = " ".join(capsys.readouterr().out.split())
    assert "dann: no FID, no FID∞, no KID" in said
    assert "the method adapts no image" in said


@pytest.mark.parametrize(
    ("file", "broken"),
    [
        ("mnist/train-images-idx3-ubyte.gz", lambda raw: raw[:-20]),
        ("mnist/train-labels-idx1-ubyte.gz", lambda raw: b"no gzip"),
        ("mnist_m/mnist_m_train/00000007.png", lambda raw: raw[: len(raw) // 2]),
        ("mnist_m/mnist_m_test_labels.txt", lambda raw: raw.replace(b" 3", b" 13")),
    ],
)
def test_bad_files_give_one_line_and_leave_nothing(
    root: Path, file: str, broken: object, capsys: pytest.CaptureFixture[str]
) -> None:
    path = root / file
    path.write_bytes(broken(path.read_bytes()))  # type: ignore[operator]
    results = root.parent / "results"
    options = ["--pair", "mnist-mnistm", "--methods", "pixelda", "--scale", "smoke"]
    assert bench.main([*options, "--data", str(root), "--results", str(results)]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("error: ")
    assert path.name in said
    assert not list(results.rglob("record.json"))


def test_missing_files_are_named_with_the_data_root(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        bench.main(["--pair", "usps-mnist", "--data", str(tmp_path), "--results", str(tmp_path / "r")]) == 2
    )
    (said,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert "usps/usps.h5" in said
    assert str(tmp_path) in said


def test_download_says_what_must_be_got_by_hand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BENCH_DATA", raising=False)
    assert bench.main(["download", "linemod", "--data", str(tmp_path)]) == 2
    assert "from its authors" in capsys.readouterr().err
    assert bench.main(["download", "shapes", "--data", str(tmp_path)]) == 0
    assert bench.main(["download", "shapes"]) == 2


def test_a_pair_lists_what_it_lacks(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["list", "pairs", "--data", str(root), "--json"]) == 0
    lists = json.loads(capsys.readouterr().out)["pairs"]
    assert {pair["data"] for pair in lists} == {"here"}
