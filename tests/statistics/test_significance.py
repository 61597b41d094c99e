"""Tests of paired differences against SciPy, enumeration and the procedure by hand."""

from itertools import permutations, product

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.statistics.significance import (
    MAX_EXACT,
    RANDOM_FLIPS,
    holm,
    probability_of_improvement,
    sign_flip_p,
)

small = st.lists(st.integers(-4, 4), min_size=1, max_size=8)  # few values, so that many tie


@given(small, small)
def test_probability_of_improvement_is_mann_whitneys_u(mine: list[int], theirs: list[int]) -> None:
    expected = scipy.stats.mannwhitneyu(theirs, mine, method="asymptotic").statistic
    assert probability_of_improvement(mine, theirs) == pytest.approx(expected / (len(mine) * len(theirs)))
    assert probability_of_improvement(theirs, mine) == pytest.approx(
        1 - probability_of_improvement(mine, theirs)
    )


def test_lower_runs_are_sure_to_improve() -> None:
    assert probability_of_improvement([1.0, 2.0], [3.0, 4.0, 5.0]) == 1
    assert probability_of_improvement([1.0, 3.0], [2.0, 3.0]) == 0.625


def enumerated(differences: list[float]) -> float:
    """Return the share of all sign vectors that are as extreme, in a loop; whole numbers, so that ties are exact."""
    sums = [
        abs(sum(sign * value for sign, value in zip(signs, differences, strict=True)))
        for signs in product((1, -1), repeat=len(differences))
    ]
    return sum(value >= abs(sum(differences)) for value in sums) / len(sums)


@settings(deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=6, max_size=9))
def test_sign_flips_are_enumerated(differences: list[int]) -> None:
    expected = enumerated(differences)
    assert sign_flip_p(differences) == expected
    assert sign_flip_p([-value for value in differences]) == expected
    assert sign_flip_p([value * 0.1 for value in differences]) == expected  # sums tie but for rounding


def test_sign_flips_are_scipys() -> None:
    differences = np.random.default_rng(0).normal(0.4, 1, 11)
    outside = scipy.stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=True
    )
    assert sign_flip_p(differences.tolist()) == pytest.approx(outside.pvalue, abs=1e-12)


def test_order_of_differences_does_not_matter() -> None:
    values = [0.1, 0.2, 0.3, -0.6, 0.7, 0.05]
    assert len({sign_flip_p(order) for order in list(permutations(values))[::40]}) == 1


def test_random_flips_agree_with_all() -> None:
    values = np.random.default_rng(1).normal(0.5, 1, MAX_EXACT + 1)
    outside = scipy.stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=True, batch=10_000
    )
    found = sign_flip_p(values.tolist())
    assert found == pytest.approx(outside.pvalue, abs=4 * np.sqrt(outside.pvalue / RANDOM_FLIPS))
    assert found == sign_flip_p(values[::-1].tolist())


@pytest.mark.parametrize("count", [77, 1000])  # whole groups of signs, and one that is not
def test_random_flips_of_many_are_normal(count: int) -> None:
    values = np.random.default_rng(2).normal(0, 1, count)
    values += 1.5 / np.sqrt(count) - values.mean()
    expected = 2 * scipy.stats.norm.sf(values.sum() / np.sqrt((values**2).sum()))
    found = sign_flip_p(values.tolist())
    assert found == pytest.approx(
        expected, abs=4 * np.sqrt(expected / RANDOM_FLIPS) + 0.1 * expected / np.sqrt(count)
    )
    assert found != sign_flip_p(values.tolist(), seed=1)


def test_random_flips_never_say_impossible() -> None:
    assert sign_flip_p([1.0] * 40) == 1 / (1 + RANDOM_FLIPS)


@pytest.mark.parametrize("count", [5, 6, 16])
def test_least_p_is_two_of_all_sign_vectors(count: int) -> None:
    assert sign_flip_p([1.0] * count) == (None if count < 6 else 2 / 2**count)


def test_no_difference_has_p_1() -> None:
    assert sign_flip_p([0.0] * 7) == 1


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, None, 0.6]) == [1.0, None, 1.0]
    assert holm([None]) == [None]
    assert holm([]) == []


def rejections(p_values: list[float], level: float) -> list[bool]:
    """Return what Holm's procedure rejects: from the smallest on, until one is over its share of the level."""
    rejected = [False] * len(p_values)
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[place] > level / (len(p_values) - rank):
            break
        rejected[place] = True
    return rejected


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.001, 0.5))
def test_holm_rejects_what_the_procedure_does(p_values: list[float], level: float) -> None:
    adjusted = [p for p in holm(p_values) if p is not None]
    if min(abs(p - level) for p in adjusted) > 1e-9:
        assert [p <= level for p in adjusted] == rejections(p_values, level)
    assert all(p <= q <= 1 for p, q in zip(p_values, adjusted, strict=True))
    assert [adjusted[place] for place in np.argsort(p_values, kind="stable")] == sorted(adjusted)
