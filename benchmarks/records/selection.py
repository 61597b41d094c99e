"""Selection rules, which choose a snapshot of a run, and their criteria. Needs no torch."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from mistakes import UserMistake

Probabilities = NDArray[np.float64]
TEMPERATURE = 0.05


def entropy(target: Probabilities) -> float:
    """Return the mean entropy of predictions, N × K, in nats: 0 … ln K (Morerio et al., ICLR 2018, arXiv 1711.10288)."""
    return float(-_times_log(target).sum(1).mean())


def information(target: Probabilities) -> float:
    """Return the entropy of the mean prediction less the mean entropy: 0 … ln K (Shi and Sha, ICML 2012).

    It is high if predictions are sure and use all classes evenly; entropy alone rewards a single class for all images.
    """
    return float(-_times_log(target.mean(0)).sum()) - entropy(target)


def soft_neighbourhood_density(target: Probabilities) -> float:
    """Return the mean entropy of the neighbours of each prediction, N × K: 0 … ln (N − 1).

    Saito et al., ICCV 2021, arXiv 2108.10860, §3: neighbours are weighted by the similarity of predictions of length 1,
    sharpened by the temperature 0.05, without the image itself. The value is high if predictions lie in dense clusters.
    """
    unit = target / np.linalg.norm(target, axis=1, keepdims=True)
    similar = unit @ unit.T / TEMPERATURE
    np.fill_diagonal(similar, -np.inf)
    shares = np.exp(similar - similar.max(1, keepdims=True))
    return float(-_times_log(shares / shares.sum(1, keepdims=True)).sum(1).mean())


def _times_log(shares: Probabilities) -> Probabilities:
    return shares * np.log(np.where(shares > 0, shares, 1))


CRITERIA: dict[str, Callable[[Probabilities], float]] = {
    "entropy": entropy,
    "information": information,
    "snd": soft_neighbourhood_density,
}
"""Criteria by name; they need only the predictions on unlabelled target images."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A selection rule: it chooses the snapshot with the lowest or highest ``criterion``, and the latest among equals.

    ``{headline}`` in ``about`` and ``criterion`` stands for the headline score of the task.
    """

    about: str
    criterion: str
    best: Literal["lowest", "highest"]

    def criterion_of(self, headline: str) -> str:
        """Return the criterion's name in the snapshots of a task with this headline score."""
        return self.criterion.format(headline=headline)


RULES: dict[str, Rule] = {
    "last": Rule(about="the last checkpoint", criterion="step", best="highest"),
    "source-validation": Rule(
        about="lowest {headline} on source images held out of training, adapted where the row adapts",
        criterion="source_{headline}",
        best="lowest",
    ),
    "entropy": Rule(
        about="surest predictions on unlabelled target images", criterion="entropy", best="lowest"
    ),
    "information": Rule(
        about="surest and most evenly spread predictions on unlabelled target images",
        criterion="information",
        best="highest",
    ),
    "snd": Rule(
        about="densest neighbourhoods of predictions on unlabelled target images",
        criterion="snd",
        best="highest",
    ),
    "oracle": Rule(
        about="lowest {headline} on the test images themselves: no fair choice, the bound of what choosing can bring",
        criterion="{headline}",
        best="lowest",
    ),
}


def completed(snapshots: Sequence[Mapping[str, float]], predictions: Path) -> tuple[Mapping[str, float], ...]:
    """Return snapshots with missing criteria added, computed from the run's stored predictions if their file exists.

    Raises :class:`UserMistake` for a broken file of predictions.
    """
    missing = [name for name in CRITERIA if any(name not in one for one in snapshots)]
    if not missing or not predictions.is_file():
        return tuple(snapshots)
    try:
        with np.load(io.BytesIO(predictions.read_bytes())) as stored:
            shares = np.exp(stored["target"].astype(np.float64))
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise UserMistake(
            f"predictions {str(predictions)!r} cannot be read ({error}); allowed: a file as runs write it, or no file."
        ) from error
    return tuple(
        {**one, **{name: CRITERIA[name](of_one) for name in missing}}
        for one, of_one in zip(snapshots, shares, strict=True)
    )


def chosen(rule: Rule, snapshots: Sequence[Mapping[str, float]], headline: str) -> Mapping[str, float]:
    """Return the snapshot that a rule chooses; ``snapshots`` are one or more in the order of their steps."""
    best = max if rule.best == "highest" else min  # both take the first of equal values
    return best(reversed(snapshots), key=itemgetter(rule.criterion_of(headline)))
