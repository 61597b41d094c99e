"""Rules that choose a checkpoint, and the criteria they choose by."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.special import softmax
from scipy.stats import entropy as reference_entropy

from benchmarks.records.selection import (
    CRITERIA,
    RULES,
    Probabilities,
    chosen,
    completed,
    entropy,
    information,
    soft_neighbourhood_density,
)
from mistakes import UserMistake


def predictions(count: int = 40, classes: int = 5, sharp: float = 2.0) -> Probabilities:
    return softmax(sharp * np.random.default_rng(0).normal(size=(count, classes)), axis=1)


def test_entropy_and_information_equal_their_definitions() -> None:
    shares = predictions()
    mean = np.mean([reference_entropy(row) for row in shares])
    assert entropy(shares) == pytest.approx(mean)
    assert information(shares) == pytest.approx(reference_entropy(shares.mean(0)) - mean)


def test_density_equals_its_definition() -> None:
    shares = predictions()
    similar = (1 - cdist(shares, shares, "cosine")) / 0.05
    rows = []
    for place, row in enumerate(similar):
        others = np.delete(row, place)
        rows.append(reference_entropy(softmax(others)))
    assert soft_neighbourhood_density(shares) == pytest.approx(np.mean(rows))


@pytest.mark.parametrize("classes", [2, 7])
def test_criteria_at_their_ends(classes: int) -> None:
    sure, unsure = np.eye(classes).repeat(6, 0), np.full((12, classes), 1 / classes)
    one = np.eye(classes)[:1].repeat(12, 0)
    assert entropy(sure) == 0 == information(one)
    assert entropy(unsure) == pytest.approx(np.log(classes)) == pytest.approx(information(sure))
    assert information(unsure) == pytest.approx(0)
    assert soft_neighbourhood_density(one) == pytest.approx(np.log(11))  # every other is as near
    assert soft_neighbourhood_density(sure) == pytest.approx(np.log(5), abs=1e-4)  # those of its class


def test_rules_choose_the_best_by_their_criterion_and_of_equals_the_latest() -> None:
    checkpoints = [
        {"step": 1, "error": 30, "source_error": 5, "entropy": 0.9, "information": 1.0, "snd": 2.0},
        {"step": 2, "error": 20, "source_error": 1, "entropy": 0.2, "information": 2.0, "snd": 4.0},
        {"step": 3, "error": 20, "source_error": 2, "entropy": 0.5, "information": 2.5, "snd": 3.0},
        {"step": 4, "error": 25, "source_error": 1, "entropy": 0.7, "information": 0.1, "snd": 1.0},
    ]
    found = {name: chosen(rule, checkpoints, "error")["step"] for name, rule in RULES.items()}
    assert found == {
        **{"last": 4, "source-validation": 4, "entropy": 2, "information": 3, "snd": 2, "oracle": 3}
    }


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.sampled_from(sorted(RULES)))
def test_no_checkpoint_is_better_than_the_chosen_one(values: list[int], name: str) -> None:
    rule = RULES[name]
    checkpoints = [
        dict.fromkeys(("error", "source_error", *CRITERIA), float(value)) | {"step": float(step)}
        for step, value in enumerate(values)
    ]
    criterion = rule.criterion_of("error")
    best = chosen(rule, checkpoints, "error")[criterion]
    others = [one[criterion] for one in checkpoints]
    assert best == (min(others) if rule.best == "lowest" else max(others))


def test_only_the_oracle_looks_at_the_test_images() -> None:
    assert [name for name, rule in RULES.items() if rule.criterion_of("error") == "error"] == ["oracle"]
    assert set(CRITERIA) <= {rule.criterion for rule in RULES.values()}


# ---- a criterion that came later


def test_criteria_of_old_runs_come_from_their_predictions(tmp_path: Path) -> None:
    shares = np.stack([predictions(sharp=1.0), predictions(sharp=4.0)])
    np.savez(tmp_path / "predictions.npz", target=np.log(shares).astype(np.float32))
    old = [{"step": 1.0, "entropy": -7.0}, {"step": 2.0, "entropy": -7.0}]
    found = completed(old, tmp_path / "predictions.npz")
    for one, of_one in zip(found, shares, strict=True):
        assert one["entropy"] == -7  # what the record holds stays
        assert one["snd"] == pytest.approx(soft_neighbourhood_density(of_one), rel=1e-4)
        assert one["information"] == pytest.approx(information(of_one), rel=1e-4)
    assert completed(old, tmp_path / "none.npz") == tuple(old)
    assert completed(found, tmp_path / "none.npz") == found
    assert completed([], tmp_path / "predictions.npz") == ()
    (tmp_path / "predictions.npz").write_bytes((tmp_path / "predictions.npz").read_bytes()[:90])
    with pytest.raises(UserMistake, match=r"predictions .* cannot be read"):
        completed(old, tmp_path / "predictions.npz")
