"""Means, intervals and how they are written, against SciPy and naive loops."""

from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.statistics.estimates import (
    Estimate,
    Interval,
    bca_intervals,
    estimate,
    interquartile_mean,
    students,
    worst_case,
)

finite = st.floats(-1e6, 1e6)


def bca_interval(values: list[float], **options: Any) -> Interval | None:
    """Return the interval of a single sample."""
    (found,) = bca_intervals([values], **options)
    return found


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


@pytest.mark.parametrize("level", [0.01, 0.5, 0.9, 0.95, 0.999])
def test_students_distribution_is_scipys(level: float) -> None:
    for freedom in (*range(1, 60), 99, 100, 1999, 2000):
        expected = scipy.stats.t.ppf((1 + level) / 2, freedom)
        assert students(level, freedom) == pytest.approx(expected, rel=1e-11)


def test_interval_covers_the_mean_in_95_of_100_draws() -> None:
    random = np.random.default_rng(0)
    numbers = [estimate(random.normal(3, 2, 5).tolist()) for _ in range(2000)]
    covered = [abs(number.mean - 3) <= number.half for number in numbers if number and number.half]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.9999])
def test_other_levels_are_students_too(level: float) -> None:
    values = [3.0, 5.0, 4.0, 9.0]
    number = estimate(values, level)
    assert number is not None
    assert number.half is not None
    expected = scipy.stats.t.interval(level, 3, np.mean(values), scipy.stats.sem(values))
    assert (number.mean - number.half, number.mean + number.half) == pytest.approx(expected)


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


SAMPLES = {
    "three": [1.5, 4.0, 2.0],
    "four whole": [3.0, 1.0, 4.0, 12.0],
    "six": np.random.default_rng(1).normal(40, 3, 6).tolist(),
    "ten skewed": np.random.default_rng(2).lognormal(size=10).tolist(),
    "twenty": np.random.default_rng(3).normal(size=20).tolist(),
    "seven hundred": np.random.default_rng(4).normal(40, 3, 700).tolist(),  # its resamples come in parts
}


def scipys(values: list[float], level: float, seed: int) -> tuple[float, float]:
    """Return SciPy's interval, which draws the same resamples from the same generator and the same order."""
    found = scipy.stats.bootstrap(
        (np.sort(values),),
        np.mean,
        confidence_level=level,
        n_resamples=10_000,
        method="BCa",
        rng=np.random.default_rng(seed),
    )
    return tuple(found.confidence_interval)


def naive(values: list[float]) -> list[float]:
    """Return the 95 % interval as the textbook has it: one loop for the resamples, another for the jackknife."""
    random, normal, count = np.random.default_rng(0), scipy.stats.norm, len(values)
    values, mean = sorted(values), np.mean(values)
    drawn = [np.mean([values[place] for place in random.integers(count, size=count)]) for _ in range(10_000)]
    ties = sum(np.isclose(drawn, mean, rtol=1e-12))
    bias = normal.ppf((sum(np.array(drawn) < mean - 1e-9) + ties / 2) / 10_000)
    without = [np.mean(values[:place] + values[place + 1 :]) for place in range(count)]
    away = [np.mean(without) - value for value in without]
    bend = sum(a**3 for a in away) / (6 * sum(a**2 for a in away) ** 1.5)
    shares = [normal.cdf(bias + (bias + z) / (1 - bend * (bias + z))) for z in normal.ppf([0.025, 0.975])]
    return [np.quantile(drawn, share) for share in shares]


@pytest.mark.parametrize("values", SAMPLES.values(), ids=SAMPLES)
@pytest.mark.parametrize(("level", "seed"), [(0.95, 0), (0.8, 1)])
def test_bootstrap_interval_is_scipys(values: list[float], level: float, seed: int) -> None:
    spread = float(np.std(values))
    found = bca_interval(values, level=level, seed=seed)
    assert found == pytest.approx(
        scipys(values, level, seed), abs=0.01 * spread
    )  # SciPy misses ties by rounding


@pytest.mark.parametrize("name", ["three", "four whole"])
def test_bootstrap_interval_is_scipys_to_the_digit_where_sums_are_exact(name: str) -> None:
    assert bca_interval(SAMPLES[name]) == pytest.approx(scipys(SAMPLES[name], 0.95, 0), rel=1e-12)


@pytest.mark.parametrize("values", SAMPLES.values(), ids=SAMPLES)
def test_bootstrap_interval_is_that_of_a_naive_loop(values: list[float]) -> None:
    assert bca_interval(values) == pytest.approx(naive(values), rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(-1000, 1000), min_size=3, max_size=9),
    st.integers(-1000, 1000),
    st.sampled_from([0.25, 1.0, 3.0]),
)
def test_bootstrap_interval_moves_and_grows_with_the_values(
    values: list[int], shift: int, scale: float
) -> None:
    found, moved = bca_interval(values), bca_interval([scale * value + shift for value in values])
    assert found is not None
    assert moved == pytest.approx([scale * end + shift for end in found], abs=1e-6)
    assert min(values) - 1e-9 <= found[0] <= found[1] <= max(values) + 1e-9
    assert bca_interval(values[::-1]) == found


def test_bootstrap_intervals_of_many_samples_are_those_of_each() -> None:
    samples = [*SAMPLES.values(), [1.0, 2.0], [], *(values[::-1] for values in SAMPLES.values())]
    alone = [bca_interval(values) for values in samples]
    assert [one is None for one in alone] == [len(values) < 3 for values in samples]
    for found, one in zip(bca_intervals(samples), alone, strict=True):
        assert found == (one and pytest.approx(one, rel=1e-12))


def test_bootstrap_interval_turns_round_with_the_values() -> None:
    low, high = bca_interval(SAMPLES["ten skewed"], draws=200_000) or (0, 0)
    turned = bca_interval([-value for value in SAMPLES["ten skewed"]], draws=200_000)
    assert turned == pytest.approx((-high, -low), abs=0.02)


def test_bootstrap_interval_of_symmetric_values_is_symmetric() -> None:
    low, high = bca_interval([-3.0, -1.0, -0.5, 0.5, 1.0, 3.0], draws=200_000) or (0, 0)
    assert low == pytest.approx(-high, abs=0.02)
    assert low < -1


def test_bootstrap_interval_of_skewed_values_leans_to_the_tail() -> None:
    values = [0.0, 0.1, 0.2, 0.3, 0.4, 5.0]
    low, high = bca_interval(values) or (0, 0)
    assert high - np.mean(values) > 1.5 * (np.mean(values) - low)


def test_bootstrap_interval_of_few_equal_or_tiny_values() -> None:
    assert bca_interval([1.0, 2.0]) is None
    assert bca_interval([0.1, 0.1, 0.1]) == (0.1, 0.1)
    low, high = bca_interval([1e-200, 2e-200, 3e-200]) or (0, 0)
    assert 1e-200 <= low < high <= 3e-200


@given(st.lists(finite, min_size=1, max_size=13))
def test_interquartile_mean_is_scipys_trimmed_mean(values: list[float]) -> None:
    assert interquartile_mean(values) == pytest.approx(scipy.stats.trim_mean(values, 0.25), abs=1e-6)


def test_interquartile_mean_is_that_of_the_middle_half() -> None:
    assert interquartile_mean([100.0, 3.0, 1.0, 2.0]) == 2.5
    assert interquartile_mean([1.0, 2.0, 9.0]) == 4.0


def test_worst_case_puts_the_worst_in_the_place_of_missing_runs() -> None:
    assert worst_case([10.0, 20.0], planned=4, worst=100.0) == 57.5
    assert worst_case([10.0, 20.0], planned=2, worst=100.0) == 15.0
    assert worst_case([], planned=3, worst=90.0) == 90.0
    with pytest.raises(AssertionError):
        worst_case([10.0, 20.0], planned=1, worst=100.0)
