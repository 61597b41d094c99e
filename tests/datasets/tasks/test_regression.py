"""A task is one file: one without classes goes from training to every table, figure and page, with titles of its own."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import bench
from benchmarks.evaluation.downstream.task_net import TaskTraining, predict
from benchmarks.evaluation.evaluator import Evaluator, hold_out
from benchmarks.evaluation.features.extractors import load_extractor
from benchmarks.figures.catalogue import drawn
from benchmarks.records import store
from benchmarks.records.record import RunRecord
from benchmarks.records.selection import CRITERIA, RULES
from benchmarks.report.page import page
from benchmarks.running.adapters import unpack
from benchmarks.studies.study import Study
from benchmarks.tables.grids import Grid
from benchmarks.tables.recorded import recorded_studies
from benchmarks.tables.table import Table, tables_of
from benchmarks.tables.verdicts import Verdict, compare_records
from datasets.catalogue import PAIRS, Entry
from datasets.contract import Measure
from methods.parts.lessons import Lesson
from tests.small.data import refusal
from tests.small.regression import Centre, load

ROWS = ("source-only", "simgan", "pixelda", "dann", "target-only")
ENTRY = Entry(about="where a shape's centre lies", licence="–", load=load, extractor="random")
STUDY = Study(
    name="try", about="centres", pairs=("centres",), rows=ROWS, seeds=(0, 1), scale="smoke", extractor="random"
)  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the results of two seeds of every row; afterwards nobody knows the pair or its task."""
    folder = tmp_path_factory.mktemp("results")
    options = ["--scale", "smoke", "--seeds", "2", "--device", "cpu", "--results", str(folder)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PAIRS, "centres", ENTRY)
        assert bench.main(["--pair", "centres", "--methods", "simgan,pixelda,dann", *options]) == 0
    return folder


@pytest.fixture(scope="module")
def records(results: Path) -> list[RunRecord]:
    found = store.read_all(results)
    assert [one.status for one in found] == ["ok"] * 10
    return found


@pytest.fixture(scope="module")
def table(records: list[RunRecord]) -> Table:
    (made,) = tables_of(STUDY, records)
    return made


def grid(table: Table, heading: str) -> Grid:
    (found,) = [one for one in table.grids if one.heading.startswith(heading)]
    return found


def test_records_hold_the_score_and_say_what_it_is(records: list[RunRecord]) -> None:
    for record in records:
        row, scores = record.row, record.scores
        assert record.task == json.loads(json.dumps(Centre().plain))
        assert 0 < scores["distance"] < 12
        assert ("own_distance" in scores) == (row in ("pixelda", "dann"))
        assert (scores["label_error"] is None) == (row in ("dann", "target-only"))
        assert not {"error", "own_error", "unseen_distance"} & set(scores)


def test_a_task_model_learns_it() -> None:
    pair = load()
    model = TaskTraining(steps=200).fit(pair.oracle, pair.task, seed=0)
    found = pair.task.scores(predict(model, pair.test.images), pair.test.labels)["distance"]
    middle = pair.oracle.labels.mean(0).expand(len(pair.test), 2)
    assert found < pair.task.scores(middle, pair.test.labels)["distance"] / 2


def test_a_lesson_takes_a_term_that_it_has_no_weight_for_as_it_is() -> None:
    outputs, labels = torch.randn(8, 2), torch.randn(8, 2)
    loss = Lesson(weight=3.0, pose=9.0).loss(Centre(), lambda images: images, outputs, labels)
    assert loss.item() == pytest.approx(3 * ((outputs - labels) ** 2).mean().item())


def test_snapshots_have_the_headline_score_and_no_criterion_of_probabilities(
    results: Path, records: list[RunRecord]
) -> None:
    truth = load().test.labels
    for record in records:
        for one in record.snapshots:
            assert set(one) - {"critic_auc"} == {"step", "distance", "source_distance"}
        stored = np.load(results / "runs" / record.id / store.PREDICTIONS)
        outputs = torch.from_numpy(stored["test"])
        assert [Centre().scores(one, truth)["distance"] for one in outputs] == [
            one["distance"] for one in record.snapshots
        ]
    ((_, again),) = recorded_studies([], results)
    assert [one.snapshots for one in again] == [one.snapshots for one in records]


def test_tables_title_the_score_in_its_unit(table: Table, records: list[RunRecord]) -> None:
    columns = grid(table, "Scores").columns
    found = [name for name in columns if "distance" in name or "label" in name]
    titles = [
        "target distance px (†: own model's)",
        "Δ distance",
        "own model's distance px",
        "Δ own distance",
        "label drift px",
    ]
    assert found == [*titles]
    assert not [name for one in table.grids for name in (*one.columns, one.heading) if "error" in name]
    mine = [one.scores["distance"] for one in records if one.row == "simgan"]
    (line,) = [cells for cells in grid(table, "Scores").cells if cells[0] == "simgan"]
    assert line[columns.index(titles[0])].startswith(f"{np.mean(mine):.2f} ± ")
    assert "target distance px IQM" in table.columns
    (note,) = [note for note in table.notes if note.startswith("dann: no FID")]
    assert note.endswith("its target distance is its own task model's")


def test_rules_that_need_probabilities_are_blank_with_a_reason(table: Table) -> None:
    overview = grid(table, "Target distance px of the row's own model by rule of choice")
    (line,) = [cells for cells in overview.cells if cells[0] == "simgan"]
    assert [name for name, cell in zip(overview.columns, line, strict=True) if not cell] == [*CRITERIA]
    reason = (
        "rules entropy, information, snd: nothing is chosen: "
        "they go by probabilities, of which the task centre has none"
    )
    assert reason in table.notes
    assert table.selection is not None
    assert table.selection.notes == (reason,)
    assert [one.heading.split(":")[0] for one in table.selection.grids] == list(RULES)
    assert grid(table.selection, "oracle").heading.startswith("oracle: lowest distance on the test images")
    assert len(table.selection.columns["distance px"]) == 10 * 3


def test_figures_and_the_page_say_it_too(results: Path, records: list[RunRecord]) -> None:
    found = dict(drawn(STUDY, records, results))
    assert {"scores", "differences", "curves", "pareto", "fid-error", "samples", "film"} <= set(found)
    for name in ("pareto", "fid-error"):
        assert found[name].axes[0].get_ylabel() == "target distance px"
    assert found["curves"].axes[0].get_ylabel() == "distance px of the row's own model"
    assert [axes.get_xlabel() for axes in found["scores"].axes][1:] == [
        "target distance px",
        "own model's distance px",
    ]
    text = page([(STUDY, records)], results)
    assert "<dt>label drift</dt>" in text
    assert "mean distance between predicted and true centre on the target test set" in text
    assert "<dt>error</dt>" not in text


def test_two_folders_are_compared_by_it(records: list[RunRecord]) -> None:
    worse = [
        replace(one, scores={**one.scores, "distance": one.scores["distance"] + 1 + one.seed / 1e6})
        for one in records
    ]
    found = [line for line in compare_records(records, worse).lines if line.verdict == Verdict.WORSE]
    assert [line.shown()[2] for line in found] == ["distance"] * len(ROWS)


def test_a_preview_counts_the_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PAIRS, "centres", ENTRY)
        assert bench.main(["preview", "centres", "--json", "--out", str(tmp_path / "p.png")]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["splits"]["source"] == {"images": 96, "classes": {}}


def test_an_adapter_loads_without_the_task(results: Path, records: list[RunRecord]) -> None:
    for record in records:
        if record.row in ("simgan", "pixelda"):
            trained = unpack(results / "runs" / record.id, torch.device("cpu"))
            assert trained.shape == (1, 12, 12)


def test_a_pair_cannot_limit_classes_that_a_task_has_not() -> None:
    said = refusal(lambda: replace(load(), seen=(0,)))
    assert (
        said
        == "pair 'centres': seen classes are (0,); allowed: no seen classes, since labels name no classes."
    )
    with pytest.raises(TypeError, match="'centre' name no classes"):
        Centre().classes_of(load().source.labels)


@pytest.mark.parametrize("name", ["kid", "label_error", "entropy", "step"])
def test_a_score_of_a_task_has_a_name_of_its_own(name: str) -> None:
    class Named(Centre):
        measures = (replace(Centre.measures[0], name=name),)

    pair, held = hold_out(replace(load(), task=Named()))
    parts = {
        "data": "",
        "extractor": load_extractor("random", torch.device("cpu")),
        "training": TaskTraining(),
    }
    said = refusal(lambda: Evaluator(pair=pair, validation=held, **parts))
    assert (
        said
        == f"pair 'centres': its task has a score {name!r}, which is a score of the suite; allowed: another name."
    )


def test_less_of_a_headline_score_is_better() -> None:
    class Found(Centre):
        measures = (Measure(name="found", unit="%", about="share of centres found", span="0 … 100", better="higher"),)  # fmt: skip

    said = refusal(lambda: replace(load(), task=Found()))
    assert said.startswith("pair 'centres': headline score 'found' is better if higher; allowed: ")
