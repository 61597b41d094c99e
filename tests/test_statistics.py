import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.statistics import Estimate, estimate

finite = st.floats(-1e6, 1e6)


@given(st.lists(finite, min_size=2, max_size=12))
def test_interval_is_students(values: list[float]) -> None:
    number = estimate(values)
    assert number is not None
    assert number.half is not None
    spread = scipy.stats.sem(values)
    assert number.mean == pytest.approx(np.mean(values), rel=1e-9, abs=1e-6)
    assert number.half == pytest.approx(
        scipy.stats.t.ppf(0.975, len(values) - 1) * spread, rel=1e-6, abs=1e-6
    )


def test_interval_covers_the_mean_in_95_of_100_draws() -> None:
    random = np.random.default_rng(0)
    numbers = [estimate(random.normal(3, 2, 5).tolist()) for _ in range(2000)]
    covered = [abs(number.mean - 3) <= number.half for number in numbers if number and number.half]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)


def test_one_seed_has_no_interval_and_none_has_no_estimate() -> None:
    assert estimate([4.0]) == Estimate(mean=4.0, half=None, count=1)
    assert estimate([]) is None


@pytest.mark.parametrize(
    ("mean", "half", "digits", "sign", "expected"),
    [
        (24.891, 3.14, 1, False, "24.9 ± 3.1"),
        (24.891, None, 1, True, "+24.9"),
        (-0.5, 0.25, 2, True, "-0.50 ± 0.25"),
        (1268.6, 20.0, None, False, "1269 ± 20"),
        (0.012345, 0.002, None, False, "0.0123 ± 0.0020"),
        (-8.46e-6, 1e-9, None, False, "0.0000 ± 0.0000"),
        (-0.04, 7.2, 1, True, "+0.0 ± 7.2"),
        (0.0, 0.0, None, False, "0.00 ± 0.00"),
    ],
)
def test_writing(mean: float, half: float | None, digits: int | None, sign: bool, expected: str) -> None:
    assert Estimate(mean=mean, half=half, count=2).written(digits, sign=sign) == expected
