"""What the terminal shows while runs are under way."""

import pytest

from benchmarks.engines import progress
from benchmarks.engines.contract import Begun, Ended, Stepped
from tests.small.specs import specs


def test_the_bar_counts_all_runs_that_are_under_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[tuple[float, list[str]]] = []

    def update(*_: object, completed: float = -1, what: str = "", **__: object) -> None:
        if completed >= 0:
            shown.append((completed, what.splitlines()))

    monkeypatch.setattr(progress.Progress, "update", update)
    one, two = specs("a", "b")
    half = Stepped(1, 6, 12, {"step": 6, "loss": 0.5})
    with progress.live_progress() as tell:
        for message in (Begun(0, 2, one), Begun(1, 2, two), half, Ended(0), Ended(1)):
            tell(message)
        a, b = "shapes a seed 0 ", "shapes b seed 0 "
        assert shown == [(0, [a]), (0, [a, b]), (0.5, [a, f"{b}loss 0.5"]), (1.5, [f"{b}loss 0.5"]), (2, [])]


def test_a_run_that_begins_is_a_line_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    (spec,) = specs("simgan[history=none]")
    with progress.live_progress() as tell:
        tell(Begun(1, 3, spec))
        tell(Stepped(1, 6, 12, {"loss": 0.5}))
        tell(Ended(1))
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("run ")]
    assert lines == ["run 2 of 3: shapes simgan[history=none] seed 0"]
