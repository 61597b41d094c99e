"""Figures against naive computations from the records: what is drawn, where, and when there is nothing to draw."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from PIL import Image
from scipy import stats

import bench
from benchmarks.figures import catalogue, sheets
from benchmarks.figures.catalogue import CHARTS, FIGURES, SHEETS, write
from benchmarks.figures.costs import step_figure
from benchmarks.figures.curves import POINTS, curve_figure
from benchmarks.figures.marks import row_styles
from benchmarks.figures.scatter import fid_error_figure, front, pareto_figure
from benchmarks.figures.scores import difference_figure, score_figure
from benchmarks.figures.sheets import draw_sheet, film_sheet, neighbour_sheet, sample_sheet
from benchmarks.records import pictures, store
from benchmarks.records.record import RunRecord
from benchmarks.statistics.estimates import Estimate
from benchmarks.studies.study import Study
from benchmarks.tables.summary import summarise
from mistakes import UserMistake
from tests.small.records import BOUNDS, record_of, step_times

ROWS = ("source-only", "simgan", "simgan-nohist", "<b>&", "target-only")
TRAINED = ROWS[1:4]
STUDY = Study(name="try", about="a try", pairs=("shapes",), rows=ROWS, seeds=(0, 1, 2))


def run_of(row: str, seed: int) -> RunRecord:
    place = ROWS.index(row)
    trained: dict[str, Any] = {
        "step_ms": step_times(10.0 * place + seed, q1=9.0 * place, q3=14.0 * place),
        "parameters": {"refiner": 3},
        "seconds": {"pretraining": 3.0, "training": 1000.0, "evaluation": 2.0 + seed},
        "curve": tuple({"step": 20 * n, "content": place + seed / n, "guidance": 0.0} for n in range(1, 6)),
    }
    return record_of(
        row,
        seed,
        scale="small",
        steps=100,
        id=f"{place}-{seed}",
        scores={
            "fid": 20.0 + 3 * place + seed**2,
            "error": 50.0 - 4 * place + (0, 1, 0.5 + 0.1 * place)[seed],
        },
        **{"seconds": {"evaluation": 2.0 + seed}} if row in BOUNDS else trained,
    )


def records(rows: Sequence[str] = ROWS, seeds: Sequence[int] = (0, 1, 2)) -> list[RunRecord]:
    return [run_of(row, seed) for row, seed in product(rows, seeds)]


def failed(record: RunRecord) -> RunRecord:
    return replace(
        record, status="failed", reason="broke", scores={}, protocol={}, step_ms={}, parameters={}, seconds={}
    )


def with_parts(found: Sequence[RunRecord], **parts: Any) -> list[RunRecord]:
    """Return the records of trained rows with other parts, the others as they are."""
    return [replace(record, **parts) if record.parameters else record for record in found]


def drawn(figure: Figure | None) -> Figure:
    assert figure is not None
    return figure


def means_of(axes: Axes) -> list[tuple[float, float]]:
    """Return where means are, in the order they were drawn."""
    bars = [part for part in axes.containers if isinstance(part, ErrorbarContainer)]
    return [tuple(bar.lines[0].get_xydata()[0]) for bar in bars]  # type: ignore[union-attr]


def whiskers(axes: Axes) -> list[tuple[float, float]]:
    """Return the ends of all whiskers along x."""
    bars = [part for part in axes.containers if isinstance(part, ErrorbarContainer) and part.has_xerr]
    return [tuple(bar.lines[2][0].get_segments()[0][:, 0]) for bar in bars]


def scores(found: Sequence[RunRecord], row: str, name: str) -> list[float]:
    return [record.scores[name] for record in found if record.row == row and record.scores]


# mean and interval by an outside computation
def interval(values: Sequence[float]) -> tuple[float, float]:
    return stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))


def test_scores_show_every_seed_with_mean_and_interval() -> None:
    found = records()
    fid, error = drawn(score_figure(STUDY, found)).axes
    for axes, name in ((fid, "fid"), (error, "error")):
        values = [scores(found, row, name) for row in ROWS]
        assert np.allclose(means_of(axes), [(np.mean(mine), place) for place, mine in enumerate(values)])
        assert np.allclose(whiskers(axes), [interval(mine) for mine in values])
        dots = [part.get_offsets().tolist() for part in axes.collections if len(part.get_offsets()) == 3]
        assert dots == [[[value, place] for value in mine] for place, mine in enumerate(values)]
    assert [label.get_text() for label in fid.get_yticklabels()] == list(ROWS)
    assert [axes.get_xlabel() for axes in (fid, error)] == ["FID (random-conv, n=96)", "target error %"]
    assert fid.get_xlim()[0] == 0


def test_scores_that_span_much_have_a_logarithmic_axis() -> None:
    found = records()
    found[0] = replace(found[0], scores={**found[0].scores, "fid": 31 * 21.0})
    fid, error = drawn(score_figure(STUDY, found)).axes
    assert (fid.get_xscale(), error.get_xscale()) == ("log", "linear")
    assert fid.get_xlabel().endswith(", log scale")


def test_an_interval_far_wider_than_the_values_is_cut_with_an_arrow() -> None:
    found = records(("simgan", "simgan-nohist"), (0, 1))
    for n, value in enumerate((40.0, 50.0, 44.0, 46.0)):
        found[n] = replace(found[n], scores={"error": value})
    (axes,) = drawn(score_figure(STUDY, found)).axes
    low, high = interval([40.0, 50.0])
    assert low < 0
    assert high > axes.get_xlim()[1]
    arrows = {(line.get_marker(), *line.get_xydata()[0]) for line in axes.lines if line.get_marker() in "<>"}
    assert arrows == {("<", 0, 0), (">", axes.get_xlim()[1], 0), (">", axes.get_xlim()[1], 1)}


@pytest.mark.parametrize("draw", [chart.draw for chart in CHARTS.values()], ids=CHARTS)
def test_failed_runs_change_no_chart(draw: Any) -> None:
    found = with_parts(records(seeds=(0, 1)), curve=({"step": 1, "content": 1.0},))
    lost = [
        failed(record) for record in with_parts(records(seeds=(2,)), curve=({"step": 1, "content": 9.0},))
    ]
    assert data(draw(STUDY, found + lost)) == data(draw(STUDY, found))
    assert data(draw(STUDY, found)) != data(draw(STUDY, records()))


def data(figure: Figure) -> list[Any]:
    """Return the numbers of all that is drawn."""
    parts: list[Any] = []
    for axes in figure.axes:
        parts += [line.get_xydata().tolist() for line in axes.lines]
        parts += [part.get_offsets().tolist() for part in axes.collections]
        parts += [path.vertices.tolist() for part in axes.collections for path in part.get_paths()]
        parts += [patch.get_extents().bounds for patch in axes.patches]
    return parts


@pytest.mark.parametrize("draw", [chart.draw for chart in CHARTS.values()], ids=CHARTS)
def test_there_is_no_chart_of_failed_runs(draw: Any) -> None:
    assert draw(STUDY, [failed(record) for record in records()]) is None


@pytest.mark.parametrize("name", CHARTS)
def test_one_run_is_drawn_without_an_interval(name: str) -> None:
    figure = CHARTS[name].draw(STUDY, records(("simgan",), (0,)))
    if name == "differences":
        assert figure is None
    else:
        assert not any(whiskers(axes) for axes in drawn(figure).axes if name != "steps")


def test_differences_are_paired_by_seed_against_the_first_row_that_trains() -> None:
    found = [record for record in records() if record.id != "2-1"]  # a seed of simgan-nohist
    figure = drawn(difference_figure(STUDY, found))
    others = [row for row in ROWS if row != "simgan"]
    summary = summarise(STUDY, found)
    for axes, name in zip(figure.axes, ("fid", "error"), strict=True):
        scored = {(record.row, record.seed): record.scores[name] for record in found}
        naive = [
            [scored[row, seed] - scored["simgan", seed] for seed in (0, 1, 2) if (row, seed) in scored]
            for row in others
        ]
        dots = [part.get_offsets()[:, 0].tolist() for part in axes.collections if len(part.get_offsets()) > 1]
        assert dots == naive
        assert np.allclose(means_of(axes), [(np.mean(mine), place) for place, mine in enumerate(naive)])
        numbers = [summary.differences[row, name] for row in others]
        assert [mean for mean, _ in means_of(axes)] == [number.mean for number in numbers if number]
        assert axes.get_xlabel().startswith("Δ ")
        assert axes.get_title(loc="left") == "← better"
        (better,) = axes.patches
        assert better.get_extents().x1 == pytest.approx(axes.transData.transform((0, 0))[0])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == others
    assert "less simgan, paired by seed" in figure.get_suptitle()


def test_differences_of_both_signs_that_span_much_are_logarithmic_beyond_their_median() -> None:
    found = records()
    found[-1] = replace(found[-1], scores={**found[-1].scores, "fid": 5000.0})
    fid, error = drawn(difference_figure(STUDY, found)).axes
    assert (fid.get_xscale(), error.get_xscale()) == ("symlog", "linear")
    assert fid.get_xlabel().endswith(", log beyond ±10")


@pytest.mark.parametrize("rows", [BOUNDS, ("source-only",), ("simgan",)])
def test_differences_need_a_baseline_and_another_row(rows: Sequence[str]) -> None:
    assert difference_figure(STUDY, records(rows)) is None


def test_curves_show_mean_and_band_over_seeds() -> None:
    (axes,) = drawn(curve_figure(STUDY, records())).axes
    assert (axes.get_title(), axes.get_ylabel()) == (
        "content",
        "loss",
    )  # guidance is absent: zero in every row
    for row, line, band in zip(TRAINED, axes.lines, axes.collections, strict=True):
        naive = [[ROWS.index(row) + seed / n for seed in (0, 1, 2)] for n in range(1, 6)]
        assert np.allclose(line.get_xydata(), [(20 * n, np.mean(naive[n - 1])) for n in range(1, 6)])
        shape = band.get_paths()[0].vertices
        for n, values in enumerate(naive, 1):
            at_step = shape[shape[:, 0] == 20 * n, 1]
            assert np.allclose((at_step.min(), at_step.max()), interval(values))


def test_long_curves_are_means_of_neighbouring_readings() -> None:
    curve = tuple({"step": n, "content": float(n**2)} for n in range(1, 2 * POINTS + 2))
    figure = drawn(curve_figure(STUDY, with_parts(records(("simgan",), (0,)), curve=curve)))
    (line,) = figure.axes[0].lines
    groups = [curve[start : start + 3] for start in range(0, len(curve), 3)]
    naive = [(np.mean([r["step"] for r in g]), np.mean([r["content"] for r in g])) for g in groups]
    assert np.allclose(line.get_xydata(), naive)
    assert figure.get_supxlabel().endswith("mean of up to 3 readings")


def test_at_most_six_losses_are_drawn_and_of_many_those_that_rows_share() -> None:
    def titles(*names: Sequence[str]) -> list[str]:
        found = [
            replace(record, curve=({"step": 1, **dict.fromkeys(mine, 1.0)},))
            for record, mine in zip(records(TRAINED, (0,)), names, strict=False)
        ]
        return [axes.get_title() for axes in drawn(curve_figure(STUDY, found)).axes]

    assert titles("abc", "ad") == ["a", "b", "c", "d"]
    assert titles("abcdef", "ag") == ["a"]
    assert titles("abcdefgh", "abcdefgh", "h") == ["a", "b", "c", "d", "e", "h"]


def test_the_error_at_snapshots_comes_first_and_is_said_to_be_an_oracle_view() -> None:
    points = tuple({"step": 25 * n, "error": 60.0 - n, "criterion": 7.0} for n in range(1, 5))
    bounds = [replace(r, snapshots=({"step": 0, "error": 3.0},)) for r in records(BOUNDS)]
    found = bounds + with_parts(records(TRAINED), snapshots=points)
    first, second = drawn(curve_figure(STUDY, found)).axes
    assert len(first.lines) == len(TRAINED)
    assert "test labels" in first.get_title()
    assert "not used for choosing" in first.get_title()
    assert first.get_ylabel() == "error % of the row's own model"
    assert first.lines[0].get_xydata().tolist() == [[25 * n, 60 - n] for n in range(1, 5)]
    assert second.get_title() == "content"


def test_pareto_counts_steps_at_their_median_time_and_pretraining() -> None:
    found = records()
    figure = drawn(pareto_figure(STUDY, found))
    (axes,) = figure.axes
    naive = []
    for row in TRAINED:
        seconds = [3 + 100 * (10 * ROWS.index(row) + seed) / 1000 for seed in (0, 1, 2)]
        naive.append((np.mean(seconds), np.mean(scores(found, row, "error"))))
    assert np.allclose(means_of(axes), naive)
    assert axes.get_xlabel() == "training seconds on a CPU"
    (line,) = (line for line in axes.lines if line.get_label() == "Pareto front")
    assert np.allclose(line.get_xydata()[:-1], naive)  # made so that slower rows are better
    dashed = [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == "--"]
    assert np.allclose(dashed, [np.mean(scores(found, row, "error")) for row in BOUNDS])
    assert [text.get_text() for text in axes.texts] == list(BOUNDS)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == [*TRAINED, "one run", "Pareto front"]


def test_front_holds_what_no_other_point_betters() -> None:
    random = np.random.default_rng(0)
    points = [tuple(point) for point in random.integers(0, 12, (40, 2)).astype(float)]
    means = {
        str(n): (Estimate(mean=x, half=None, count=1), Estimate(mean=y, half=None, count=1))
        for n, (x, y) in enumerate(points)
    }
    naive = {p for p in points if not any(q[0] <= p[0] and q[1] <= p[1] and q != p for q in points)}
    assert front(means) == sorted(naive)


def test_there_is_no_pareto_chart_of_rows_that_train_nothing() -> None:
    assert pareto_figure(STUDY, records(BOUNDS)) is None


def test_fid_and_error_correlate_as_the_ranks_of_the_runs_that_trained() -> None:
    found = records()
    (axes,) = drawn(fid_error_figure(STUDY, found)).axes
    both = [[scores(found, row, name) for row in TRAINED] for name in ("fid", "error")]
    ranks = [stats.rankdata(np.ravel(values)) for values in both]
    rho = np.corrcoef(*ranks)[0, 1]
    assert axes.get_title() == f"Spearman's ρ = {rho:z.2f} over 9 runs that trained"
    naive = [[np.mean(scores(found, row, name)) for name in ("fid", "error")] for row in ROWS]
    assert np.allclose(means_of(axes), naive)
    assert sum(len(part.get_offsets()) for part in axes.collections) == 15
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("FID (random-conv, n=96)", "target error %")


def test_equal_values_have_no_rank_correlation() -> None:
    found = with_parts(records(), scores={"fid": 5.0, "error": 50.0})
    (axes,) = drawn(fid_error_figure(STUDY, found)).axes
    assert axes.get_title() == "9 runs that trained"


def test_fid_and_error_need_a_trained_run_with_both() -> None:
    assert fid_error_figure(STUDY, records(BOUNDS)) is None
    assert fid_error_figure(STUDY, with_parts(records(), scores={"fid": None, "error": 50.0})) is None


def test_steps_show_medians_with_quartiles_and_seconds_by_phase() -> None:
    found = [
        replace(r, seconds={**r.seconds, "checkpoints": 5.0}) if r.row == "simgan" else r for r in records()
    ]
    figure = drawn(step_figure(STUDY, found))
    steps, seconds = figure.axes
    places = [ROWS.index(row) for row in TRAINED]
    assert [bar.get_width() for bar in steps.patches] == [10.0 * place + 1 for place in places]
    assert whiskers(steps) == [(9 * places[0], 14 * places[0])]
    assert [bar.get_y() + bar.get_height() / 2 for bar in steps.patches] == pytest.approx(places)
    phases = [part.get_label() for part in seconds.containers]
    assert phases == ["pretraining", "training", "evaluation", "checkpoints"]
    for part, phase in zip(seconds.containers, phases, strict=True):
        naive = [np.mean([r.seconds.get(phase, 0) for r in found if r.row == row]).item() for row in ROWS]
        assert [bar.get_width() for bar in part] == naive
    ends = [part[1].get_x() + part[1].get_width() for part in seconds.containers]
    assert ends == [3, 1003, 1006, 1011]


def test_steps_of_rows_that_train_nothing_show_their_seconds() -> None:
    steps, seconds = drawn(step_figure(STUDY, records(BOUNDS))).axes
    assert not steps.patches
    assert [bar.get_width() for bar in seconds.patches] == [3, 3]


def test_no_two_rows_look_alike_even_in_grey() -> None:
    all_looks = list(row_styles([str(n) for n in range(56)]).values())
    assert len(set(all_looks)) == 56
    assert len({(look.marker, look.filled) for look in all_looks[:16]}) == 16


def picture(name: str, column: int) -> Image.Image:
    """Return a picture with a grey of its own for each band."""
    rows = pictures.ROWS[name]
    return Image.fromarray(np.repeat(np.arange(rows, dtype=np.uint8) * 20 + column, 8)[:, None].repeat(64, 1))


@pytest.fixture
def pictured(tmp_path: Path) -> Path:
    """Results with all pictures beside the runs of simgan-nohist, and of seed 1 of simgan."""
    for number, run in enumerate(("1-1", "2-0", "2-1")):
        (tmp_path / "runs" / run).mkdir(parents=True)
        for name in pictures.ROWS:
            picture(name, number).save(tmp_path / "runs" / run / name)
    return tmp_path


def bands_of(monkeypatch: pytest.MonkeyPatch, draw: Any, found: Sequence[RunRecord], results: Path) -> Any:
    monkeypatch.setattr(
        sheets, "_stack", lambda bands: [(name, band.getpixel((3, 3))[0]) for name, band in bands]
    )
    return draw(STUDY, found, results)


def test_film_shows_each_row_at_its_snapshots(pictured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = tuple({"step": 25 * n, "error": 60.0} for n in range(1, 5))
    found = with_parts(records()[::-1], snapshots=points)
    steps = [f"step {25 * n}" for n in range(1, 5)]
    first = list(zip(["simgan", *steps], range(0, 100, 20), strict=True))
    second = list(zip(["simgan-nohist", *steps], range(1, 101, 20), strict=True))
    assert bands_of(monkeypatch, film_sheet, found, pictured) == first + second


def test_sheets_show_the_first_seed_that_has_pictures(
    pictured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = records()[::-1]
    shown = bands_of(monkeypatch, sample_sheet, found, pictured)
    assert shown == [("source", 0), ("simgan", 20), ("simgan-nohist", 21), ("target", 40)]
    shown = bands_of(monkeypatch, neighbour_sheet, found, pictured)
    assert shown[:2] == [("simgan", 0), ("simgan: nearest", 20)]
    assert shown[2:] == [("simgan-nohist", 1), ("simgan-nohist: nearest", 21)]
    shown = bands_of(monkeypatch, draw_sheet, found, pictured)
    assert shown == [("source", 0), *((f"simgan: draw {n}", 20 * n) for n in range(1, 7))]


@pytest.mark.parametrize("draw", [sheet.draw for sheet in SHEETS.values()], ids=SHEETS)
def test_there_is_no_sheet_without_pictures(draw: Any, tmp_path: Path) -> None:
    assert draw(STUDY, records(), tmp_path) is None


def test_a_long_name_widens_a_sheet(pictured: Path) -> None:
    name = "simgan[" + "history.batches=5;" * 5 + "]"
    narrow = sample_sheet(STUDY, records(), pictured)
    found = [
        replace(record, spec={**record.spec, "row": name}) if record.row == "simgan" else record
        for record in records()
    ]
    wide = sample_sheet(replace(STUDY, rows=(*ROWS, name)), found, pictured)
    assert narrow is not None
    assert wide is not None
    assert narrow.width == 190 + 64
    label = wide.crop((0, 0, wide.width - 64, wide.height)).convert("L").point(lambda level: 255 - level)
    _, _, right, _ = label.getbbox()  # of what is not white
    assert label.width - 20 < right < label.width


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Every figure of the records, by file name."""
    results = tmp_path_factory.mktemp("results")
    found = filmed()
    for name in pictures.ROWS:
        folder = results / "runs" / "1-0"
        folder.mkdir(parents=True, exist_ok=True)
        picture(name, 0).save(folder / name)
    written = write(STUDY, found, results)
    assert set(written) == set((results / "figures").iterdir())
    return {path.name: path.read_bytes() for path in written}


def filmed() -> list[RunRecord]:
    return with_parts(records(), snapshots=tuple({"step": 25 * n, "error": 60.0} for n in range(1, 5)))


def test_charts_are_written_as_png_and_svg_and_sheets_as_png(files: dict[str, bytes]) -> None:
    charts = {f"try--shapes--{name}.{ending}" for name in CHARTS for ending in ("png", "svg")}
    assert set(files) == charts | {f"try--shapes--{name}.png" for name in SHEETS}
    assert list(FIGURES) == [*CHARTS, *SHEETS]
    for name, content in files.items():
        assert content.startswith(b"\x89PNG" if name.endswith("png") else b"<?xml")


def test_figures_are_the_same_bytes_every_time(files: dict[str, bytes], tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from tests.figures import test_figures as made\n"
        "made.catalogue.FIGURES = {name: made.CHARTS[name] for name in ('scores', 'curves', 'pareto')}\n"
        "made.write(made.STUDY, made.filmed()[::-1], pathlib.Path(sys.argv[1]))"
    )
    (tmp_path / "matplotlibrc").write_text("font.size: 20\nsavefig.dpi: 50\n")
    root = Path(__file__).parents[2]
    places = {"PYTHONPATH": str(root), "MATPLOTLIBRC": str(tmp_path)}
    env = {**os.environ, **places, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, cwd=root, env=env)
    again = {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    assert len(again) == 6
    assert again == {name: files[name] for name in again}


def test_charts_of_an_outdated_study_say_so(tmp_path: Path) -> None:
    old = replace(STUDY, outdated="the moon was in the way " * 5)
    charts = [chart for _, chart in catalogue.drawn(old, records(), tmp_path) if isinstance(chart, Figure)]
    assert charts
    for chart in charts:
        assert chart.get_supxlabel().startswith("Outdated until it is run anew: the moon")
        chart.draw_without_rendering()
        (said,) = [text for text in chart.texts if text.get_text() == chart.get_supxlabel()]
        box = said.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= chart.bbox.x1


def test_names_of_rows_are_text_in_svg(files: dict[str, bytes]) -> None:
    for name, content in files.items():
        if name.endswith(".svg"):
            ElementTree.fromstring(content)
            assert b"<b>&" not in content
            assert b"dc:date" not in content
    assert b"&lt;b&gt;&amp;" in files["try--shapes--scores.svg"]


def test_any_name_can_be_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("$x", "_hidden", "$\\no{$", "%s {x} \\", "\N{SNOWMAN} é")
    found = [
        replace(record, spec={**record.spec, "row": name})
        for record, name in zip(records(("simgan",), (0,)) * len(names), names, strict=True)
    ]
    study = replace(STUDY, rows=names)
    monkeypatch.setattr(catalogue, "FIGURES", {name: CHARTS[name] for name in ("scores", "curves")})
    assert len(write(study, found, tmp_path)) == 4
    (legend,) = drawn(curve_figure(study, found)).legends
    assert [text.get_text() for text in legend.get_texts()] == list(names)


def test_times_of_runs_that_shared_a_machine_say_so() -> None:
    found = [replace(record, host={**record.host, "jobs": 3}) for record in records()]
    steps, _ = drawn(step_figure(STUDY, found)).axes
    assert steps.get_xlabel() == "median ms / step, with quartiles, 3 runs at a time"
    axes = drawn(pareto_figure(STUDY, found)).axes[0]
    assert axes.get_xlabel() == "training seconds on a CPU, 3 runs at a time"


def test_each_machine_has_its_own_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "FIGURES", {"steps": CHARTS["steps"]})
    other = [replace(record, host={"device": "another CPU", "threads": 2}) for record in records()]
    names = [path.stem for path in write(STUDY, records() + other, tmp_path)]
    assert names == ["try--shapes--1--steps"] * 2 + ["try--shapes--2--steps"] * 2


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "figures").write_text("in the way")
    with pytest.raises(UserMistake, match="cannot be written"):
        write(STUDY, records(("simgan",), (0,)), tmp_path)


def test_the_command_writes_figures_from_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for record in records(("simgan",), (0,)):
        store.write(record, {}, tmp_path)
    monkeypatch.setattr(catalogue, "FIGURES", {"steps": CHARTS["steps"]})
    assert bench.main(["figures", "--results", str(tmp_path)]) == 0
    paths = [tmp_path / "figures" / f"all-small--shapes--steps.{ending}" for ending in ("png", "svg")]
    assert capsys.readouterr().out.split() == list(map(str, paths))
    assert sorted((tmp_path / "figures").iterdir()) == paths
