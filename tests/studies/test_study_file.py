"""Studies of a user's own, from TOML files: read, planned, run and tabulated."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import bench
from benchmarks.records import store
from benchmarks.studies.published import find_study
from benchmarks.studies.study import Study
from tests.small.data import refusal
from tests.small.folders import folder_pair, write_toml

pytestmark = pytest.mark.usefixtures("names_as_before")
ROOT = Path(__file__).parents[2]
OWN = "simgan[history.batches=1;critic.verdict=image]"
PLUGIN = (
    "from methods.recipes import simgan\n"
    'RECIPES = [simgan.but("short", {"history.batches": 1}, "a short history")]\n'
)
FORM = {
    "name": "mine",
    "about": "which of two",
    "pairs": ["shapes"],
    "methods": ["source-only", "simgan", OWN],
    "seeds": 2,
}


def study_file(root: Path, **changes: Any) -> Path:
    return write_toml(root / "mine.toml", {**FORM, **changes})


def test_a_file_is_a_study(tmp_path: Path) -> None:
    assert find_study(str(study_file(tmp_path))) == Study(
        name="mine",
        about="which of two",
        pairs=("shapes",),
        rows=("source-only", "simgan", OWN),
        seeds=(0, 1),
    )
    path = study_file(tmp_path, seeds=[4, 2], scale="smoke", extractor="random")
    study = find_study(str(path))
    assert (study.seeds, study.scale, study.extractor) == ((4, 2), "smoke", "random")
    assert find_study(str(study_file(tmp_path, seeds=[7]))).seeds == (7,)


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({"method": ["simgan"]}, "'method'; allowed: name, about, pairs, methods"),
    "missing key": ({"methods": None}, "has no 'methods'; allowed: a list of text"),
    "no list": ({"pairs": "shapes"}, "has pairs = 'shapes'; allowed: a list of text"),
    "an empty list": ({"methods": []}, "has methods = []; allowed: a list of text"),
    "no seeds": ({"seeds": 0}, "seeds '0'; allowed: a number from 1 on"),
    "a seed twice": ({"seeds": [1, 1]}, "seeds '1,1,'; allowed"),
    "a negative seed": ({"seeds": [-1]}, "seeds '-1,'; allowed"),
    "seeds in words": (
        {"seeds": "3"},
        "has seeds = '3'; allowed: a whole number or a list of a whole number",
    ),
    "seeds of another kind": ({"seeds": [0, True]}, "allowed: a whole number or a list of a whole number"),
    "no extractor": ({"extractor": 3}, "has extractor = 3; allowed: text"),
    "no name for a file": ({"name": "../mine"}, "has the name '../mine'; allowed: letters"),
    "a published name": ({"name": "usps"}, "has the name 'usps', which is published; allowed: another"),
    "a method twice": ({"methods": ["simgan", "simgan"]}, "method 'simgan' is named twice; allowed"),
    "a pair twice": ({"pairs": ["shapes", "shapes"]}, "pair 'shapes' is named twice; allowed"),
    "a pair's missing file": ({"pairs": ["eyes.toml"]}, "eyes.toml' cannot be read"),
    "a study as a pair": ({"pairs": ["mine.toml"]}, "unknown key of file "),
}


@pytest.mark.parametrize("case", MISTAKES)
@pytest.mark.parametrize("command", ["run", "tables"])
def test_files_that_are_refused(
    case: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes, said = MISTAKES[case]
    path = str(study_file(tmp_path, **changes))
    assert said in refusal(lambda: find_study(path))
    results = ["--results", str(tmp_path / "results")]
    assert bench.main(["--study", path, *results] if command == "run" else ["tables", path, *results]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pairs": ["shape"]}, "unknown pair 'shape'; allowed: "),
        ({"methods": ["simgn"]}, "Did you mean 'simgan'?"),
        ({"methods": ["simgan[history.batch=1]"]}, "Did you mean 'history.batches'?"),
        ({"scale": "smal"}, "Did you mean 'small'?"),
        ({"extractor": "inceptio"}, "Did you mean 'inception'?"),
        ({"plugins": ["none.py"]}, "none.py' does not exist"),
    ],
)
def test_what_a_file_names_must_be_there(
    changes: dict[str, Any], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--study", str(study_file(tmp_path, **changes)), "--results", str(tmp_path / "results")]
    assert bench.main(["plan", *words]) == bench.main(words) == 2
    assert [said in line for line in capsys.readouterr().err.splitlines()] == [True, True]
    assert not (tmp_path / "results").exists()


def test_a_file_comes_with_its_own_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--study", str(study_file(tmp_path)), "--seeds", "2"]) == 2
    assert "comes with its own seeds" in capsys.readouterr().err


def test_a_study_with_own_pair_and_plugin_from_end_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder_pair(tmp_path / "data", name="eyes-of-a-study")
    (tmp_path / "short.py").write_text(PLUGIN)
    own = {"pairs": ["shapes", "data/eyes.toml"], "methods": ["short"], "seeds": 1}
    path = study_file(tmp_path, **own, scale="smoke", extractor="random", plugins=["short.py"])
    results = tmp_path / "results"
    options = ["--study", str(path), "--results", str(results), "--device", "cpu"]
    monkeypatch.chdir(ROOT)  # the file's own folder counts, not this one

    assert bench.main(["plan", *options, "--json"]) == 0
    planned = [line["id"] for line in json.loads(capsys.readouterr().out)]
    assert bench.main(options) == 0
    found = store.read_all(results)
    assert sorted(planned) == [record.id for record in found]
    assert {record.pair for record in found} == {"shapes", "eyes-of-a-study"}
    assert {record.status for record in found} == {"ok"}

    shutil.rmtree(tmp_path / "data" / "test")  # records are enough from here on
    (tmp_path / "short.py").unlink()
    code = (
        "import sys, bench\n"
        f"assert bench.main(['tables', {str(path)!r}, '--results', {str(results)!r}]) == 0\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
    made = {file.name for file in (results / "tables").glob("*.md")}
    names = ("mine--shapes", "mine--eyes-of-a-study")
    assert made == {f"{name}{kind}.md" for name in names for kind in ("", "--selection")}
    assert bench.main(["figures", str(path), "--results", str(results)]) == 0
    assert "mine--eyes-of-a-study--scores.png" in capsys.readouterr().out


def test_a_study_of_a_file_is_outdated_if_it_says_so(tmp_path: Path) -> None:
    assert find_study(str(study_file(tmp_path))).heading == "mine"
    assert find_study(str(study_file(tmp_path, outdated="the camera moved"))).heading == "mine (outdated)"
