"""The scores by name: how a table titles them, in which unit, and which way is better. Needs no torch."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Score:
    """How a score is shown. ``title`` may use the protocol's ``{extractor}`` and ``{images}``.

    ``digits`` counts decimals; ``None`` shows three significant digits.
    """

    title: str
    short: str
    about: str
    better: Literal["lower", "neither"] = "lower"
    digits: int | None = 1


SCORES: dict[str, Score] = {
    "fid": Score(
        title="FID ({extractor}, n={images})",
        short="FID",
        about="Fréchet distance of features, adapted source against target test; from 0; biased upwards for small n",
    ),
    "kid": Score(
        title="KID ({extractor}, n={images})",
        short="KID",
        about="unbiased squared MMD of the same features under a cubic kernel; around 0 for equal distributions",
        digits=None,
    ),
    "error": Score(
        title="target error %",
        short="error",
        about="error on the target test set of a task model trained on adapted source, or of the method's own where it adapts no image; 0 … 100",
    ),
    "own_error": Score(
        title="own model's target error %",
        short="own error",
        about="error on the target test set of the task model that the method itself trains; 0 … 100",
    ),
    "unseen_error": Score(
        title="target error %, unseen classes",
        short="unseen error",
        about="target error on the classes that adaptation saw in neither domain; 0 … 100",
    ),
    "angle": Score(
        title="target angle °",
        short="angle",
        about="mean angle between predicted and true orientation on the target test set; 0 … 180 degrees",
    ),
    "own_angle": Score(
        title="own model's target angle °",
        short="own angle",
        about="the same for the task model that the method itself trains; 0 … 180 degrees",
    ),
    "label_error": Score(
        title="labels lost %",
        short="labels lost",
        about="share of adapted source images that a task model trained on the source no longer reads as their label; 0 … 100",
    ),
    "refinement": Score(
        title="mean |R(x) − x|",
        short="refinement",
        about="mean change of a pixel, images in [−1, 1]; 0 … 2; near 0 the adapter does nothing",
        better="neither",
        digits=3,
    ),
    "diversity": Score(
        title="mean |difference of draws|",
        short="diversity",
        about="mean difference of a pixel between two adaptations of one image, images in [−1, 1]; 0 … 2; 0 without randomness",
        better="neither",
        digits=3,
    ),
}
