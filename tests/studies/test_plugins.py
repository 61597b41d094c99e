"""Methods and pairs from outside the repository."""

import pickle
import re
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import bench
from benchmarks.records import store
from benchmarks.studies import plugins
from benchmarks.studies.plugins import LOADED, Sources
from datasets.catalogue import PAIRS
from methods.recipes import RECIPES
from mistakes import UserMistake
from tests.small.folders import folder_pair

pytestmark = pytest.mark.usefixtures("names_as_before")
TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
(MOMENTS,) = re.findall(r"<!-- file: methods/moments.py -->\n```python\n(.*?)```", TEXT, re.DOTALL)
(NEGATIVES,) = re.findall(r"<!-- file: datasets/negatives.py -->\n```python\n(.*?)```", TEXT, re.DOTALL)
METHOD = (
    "from methods.recipes import Recipe\n"
    'RECIPES = [Recipe(name="moments", base=MomentsConfig(), about="a", paper="–")]\n'
)
VARIANT = """
from methods.recipes import simgan
RECIPES = [simgan.but("mine", {{"{path}": {value}}}, "a")]
"""
PAIR = (
    "from datasets.catalogue import Entry\n"
    'PAIRS = {"negatives": Entry(about="a", licence="l", load=load, extractor="digits-v1")}\n'
)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    file = tmp_path / "mine.py"
    file.write_text(MOMENTS + METHOD)
    return file


def test_a_method_and_a_pair_of_two_files_run_together(mine: Path, tmp_path: Path) -> None:
    data = tmp_path / "data.py"
    data.write_text(NEGATIVES + PAIR)
    words = ["--plugin", str(mine), "--plugin", str(data), "--methods", "moments", "--pair", "negatives"]
    results = tmp_path / "results"
    options = ["--scale", "smoke", "--seeds", "1", "--device", "cpu", "--results", str(results)]
    assert bench.main([*words, *options]) == 0
    found = {record.row: record for record in store.read_all(results)}
    assert set(found) == {"source-only", "moments", "target-only"}
    assert found["moments"].spec["settings"] == {"method": "Moments", "momentum": 0.1}
    assert len(found["moments"].versions["plugin mine.py"]) == 12
    assert bench.main(["tables", "--results", str(results)]) == 0


def test_an_edited_plugin_runs_again_and_a_mended_one_without_retry(
    mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, results = mine.read_text(), tmp_path / "results"
    words = [
        "--plugin",
        str(mine),
        "--methods",
        "moments",
        "--pair",
        "shapes",
        "--no-bounds",
        "--scale",
        "smoke",
    ]
    words += ["--seeds", "1", "--device", "cpu", "--results", str(results)]

    def done(text: str) -> int:
        """Return the exit code of the command in what stands for a new process."""
        mine.write_text(text)
        RECIPES.pop("moments", None)
        LOADED.clear()
        return bench.main(words)

    assert done(whole.replace("batch = next(batches)", 'raise RuntimeError("boom")')) == 1
    assert [record.status for record in store.read_all(results)] == ["failed"]
    capsys.readouterr()
    assert done(whole) == 0
    said = capsys.readouterr()
    assert "1 of 1 runs are done again: their records are of other code" in said.err
    assert "1/1" in said.out
    assert done(f"# a comment\n{whole}") == 0
    assert len(store.read_all(results)) == 2
    assert done(whole.replace("clamp(-1, 1)", "clamp(-0.5, 0.5)")) == 0
    kept = {record.id: record for record in store.read_all(results)}
    assert [record.status for record in kept.values()].count("ok") == 2
    assert len({record.scores["fid"] for record in kept.values() if record.scores}) == 2
    assert bench.main(["tables", "--results", str(results)]) == 0
    assert "left out: 2 older runs of other code (moments)" in capsys.readouterr().out


def test_a_plugin_is_listed_and_added_once(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["list", "methods", "--plugin", str(mine)]) == 0
    assert "moments" in capsys.readouterr().out
    Sources(plugins=(mine, mine)).open()
    Sources(plugins=(mine,)).open()
    assert list(RECIPES)[-1] == "moments"


def test_installed_packages_are_found(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(mine.parent)
    point = EntryPoint(name="theirs", value="mine", group=plugins.GROUP)
    monkeypatch.setattr(plugins, "entry_points", lambda group: [point] if group == plugins.GROUP else [])
    Sources().open()
    Sources().open()
    assert "moments" in RECIPES
    assert "theirs" in LOADED


def test_sources_mean_the_same_files_in_another_process_and_folder(
    mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = folder_pair(tmp_path)
    monkeypatch.chdir(tmp_path)
    sources = Sources(plugins=(Path(mine.name),), pairs=(Path(pair.name),))
    sent = pickle.loads(pickle.dumps(sources.absolute()))
    monkeypatch.chdir("/")
    sent.open()
    assert "moments" in RECIPES
    assert PAIRS[f"eyes-{tmp_path.name}"].file == pair
    assert list(LOADED) == [str(mine)], "pairs are no plugins"
    with pytest.raises(UserMistake, match=r"^plugin 'none\.py' does not exist"):
        Sources(plugins=(Path("none.py"),)).open()


def test_a_pair_that_is_read_joins_nothing_by_itself(tmp_path: Path) -> None:
    from datasets.own import form, pair

    file, before = folder_pair(tmp_path), dict(PAIRS)
    assert pair.entry(form.read(file), file).file == file
    assert before == PAIRS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "offers nothing"),
        ("RECIPES = [3]", "something else in RECIPES"),
        ("PAIRS = {'mine': 3}", "something else in PAIRS"),
        ("def broken(:", "cannot be loaded (SyntaxError"),
        ("1 / 0", "cannot be loaded (ZeroDivisionError: division by zero, mine.py:1)"),
        (MOMENTS + METHOD.replace('"moments"', '"simgan"'), "the method 'simgan' is there already"),
        (MOMENTS + METHOD.replace('"moments"', '"a,b"'), "the name 'a,b'"),
        (VARIANT.format(path="history.batch", value=5), "Did you mean 'history.batches'?"),
        (VARIANT.format(path="history.batches", value=50), "'history.batches' is 50 already"),
        (
            MOMENTS + METHOD.replace("MomentsConfig()", "'methods.none:Config'"),
            "No module named 'methods.none'",
        ),
    ],
)
def test_bad_plugins_are_refused_in_one_line(
    text: str, said: str, mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine.write_text(text)
    before = dict(RECIPES), dict(PAIRS)
    assert bench.main(["list", "--plugin", str(mine)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line
    assert "; allowed: " in line
    assert before == (RECIPES, PAIRS)


def test_a_missing_plugin_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["list", "--plugin", str(tmp_path / "none.py")]) == 2
    assert "none.py' does not exist" in capsys.readouterr().err


# ---- the contract


def test_a_sound_method_passes_the_contract(mine: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["check-method", str(mine)]) == 0
    assert re.search(r"\d\d passed", capfd.readouterr().out)


def test_a_method_that_draws_from_the_global_stream_fails_it(
    mine: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    mine.write_text(mine.read_text().replace("seen = torch.stack(", "seen = torch.rand(()) * torch.stack("))
    assert bench.main(["check-method", str(mine)]) == 1
    said = capfd.readouterr().out
    assert "test_building_and_training_leave_the_global_random_state_alone[moments-shapes]" in said


def test_what_a_wrong_method_does_is_named(mine: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = mine.read_text().replace(
        '        return {"gap"', '        batch.source.mul_(0.9)\n        return {"gap"'
    )
    mine.write_text(text.replace("(source - from_mean)", "(source - source.mean() - from_mean)"))
    assert bench.main(["check-method", str(mine)]) == 1
    said = capfd.readouterr().out
    assert "the method writes into batch.source; allowed: writing into a copy" in said
    assert "BrokenPromise: the adapter looks at an image's batch-mates" in said
    for name in ("batches_are_left_as_they_were_given", "same_way_whatever_its_batch_mates_are"):
        assert f"{name}[moments-shapes]" in said
