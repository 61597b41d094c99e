"""The area under the ROC curve against a count over all pairs."""

from math import isnan, nan

import pytest
import torch

from benchmarks.scores.ranks import area_under_roc


def naive(positives: list[float], negatives: list[float]) -> float:
    pairs = [(one > other) + 0.5 * (one == other) for one in positives for other in negatives]
    return sum(pairs) / len(pairs)


@pytest.mark.parametrize("levels", [2, 5, 10_000])
def test_area_is_the_share_of_pairs_in_order(levels: int) -> None:
    random = torch.Generator().manual_seed(levels)
    ours = torch.randint(levels, (37,), generator=random).float() + 1
    others = torch.randint(levels, (23,), generator=random).float()
    expected = naive(ours.tolist(), others.tolist())
    assert area_under_roc(ours, others) == pytest.approx(expected, abs=1e-12)
    assert area_under_roc(others, ours) == pytest.approx(1 - expected, abs=1e-12)


def test_chance_order_and_what_is_no_number() -> None:
    same, higher = torch.zeros(4), torch.tensor([1.0, 2.0])
    assert area_under_roc(same, same[:3]) == 0.5
    assert area_under_roc(higher, same) == 1
    assert area_under_roc(same, torch.tensor([-1e30, 1e30])) == 0.5
    assert isnan(area_under_roc(torch.tensor([1.0, nan]), same))
