"""The scores by name: how a table titles them, in which unit, and which way is better. Needs no torch."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Score:
    """How a score is shown. ``title`` may use the protocol's ``{extractor}`` and ``{images}``."""

    title: str
    about: str
    better: Literal["lower", "neither"] = "lower"
    digits: int = 1


SCORES: dict[str, Score] = {
    "fid": Score(
        title="FID ({extractor}, n={images})",
        about="Fréchet distance of features, adapted source against target test; from 0; biased upwards for small n",
    ),
    "kid": Score(
        title="KID ({extractor}, n={images})",
        about="unbiased squared MMD of the same features under a cubic kernel; around 0 for equal distributions",
        digits=3,
    ),
    "error": Score(
        title="target error %",
        about="error on the target test set of a task model trained on adapted source; 0 … 100",
    ),
    "own_error": Score(
        title="own model's target error %",
        about="error on the target test set of the task model that the method itself trains; 0 … 100",
    ),
    "label_error": Score(
        title="labels lost %",
        about="share of adapted source images that a task model trained on the source no longer reads as their label; 0 … 100",
    ),
    "refinement": Score(
        title="mean |R(x) − x|",
        about="mean change of a pixel, images in [−1, 1]; 0 … 2; near 0 the adapter does nothing",
        better="neither",
        digits=3,
    ),
}
