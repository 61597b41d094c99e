"""The scores by name: their titles in tables, units and better directions; the extractors of their features.

Needs no torch.
"""

from dataclasses import dataclass
from typing import Literal

from mistakes import unknown


@dataclass(frozen=True, kw_only=True)
class Score:
    """How a table shows a score, and in which of its grids. ``title`` may use the protocol's ``{extractor}`` and ``{images}``.

    ``digits`` counts decimals; ``None`` shows three significant digits. ``worst`` is the worst possible value.
    """

    title: str
    short: str
    about: str
    grid: Literal["scores", "realism", "images"]
    better: Literal["lower", "higher", "neither"] = "lower"
    digits: int | None = 1
    worst: float | None = None


SCORES: dict[str, Score] = {
    "fid": Score(
        title="FID ({extractor}, n={images})",
        short="FID",
        about="Fréchet distance of features, adapted source against target test; from 0; biased upwards for small n",
        grid="scores",
    ),
    "error": Score(
        title="target error %",
        short="error",
        about="error on the target test set of a task model trained on adapted source, or of the method's own where it adapts no image; 0 … 100",
        grid="scores",
        worst=100,
    ),
    "own_error": Score(
        title="own model's error %",
        short="own error",
        about="error on the target test set of the task model that the method itself trains; 0 … 100",
        grid="scores",
        worst=100,
    ),
    "unseen_error": Score(
        title="target error %, unseen classes",
        short="unseen error",
        about="target error on the classes that adaptation saw in neither domain; 0 … 100",
        grid="scores",
        worst=100,
    ),
    "angle": Score(
        title="target angle °",
        short="angle",
        about="mean angle between predicted and true orientation on the target test set; 0 … 180 degrees",
        grid="scores",
        worst=180,
    ),
    "own_angle": Score(
        title="own model's angle °",
        short="own angle",
        about="the same for the task model that the method itself trains; 0 … 180 degrees",
        grid="scores",
        worst=180,
    ),
    "label_error": Score(
        title="labels lost %",
        short="labels lost",
        about="share of adapted source images that a task model trained on the source no longer reads as their label; 0 … 100",
        grid="scores",
        worst=100,
    ),
    "fid_limit": Score(
        title="FID∞",
        short="FID∞",
        about="FID extrapolated to infinitely many images by a line in 1/n; from 0; noisier than FID, without its bias",
        grid="realism",
    ),
    "kid": Score(
        title="KID",
        short="KID",
        about="unbiased squared MMD of the same features under a cubic kernel; around 0 for equal distributions, so it may be negative",
        grid="realism",
        digits=None,
    ),
    "mind": Score(
        title="MIND",
        short="MIND",
        about="sliced squared 2-Wasserstein distance of the same features times 3 d; from 0; for small samples",
        grid="realism",
        digits=None,
    ),
    "precision": Score(
        title="precision",
        short="precision",
        about="share of adapted images inside the real ones' manifold of 5 nearest neighbours; 0 … 1",
        grid="realism",
        better="higher",
        digits=2,
    ),
    "recall": Score(
        title="recall",
        short="recall",
        about="share of real images inside the adapted ones' manifold of 5 nearest neighbours; 0 … 1; low where modes are lost",
        grid="realism",
        better="higher",
        digits=2,
    ),
    "density": Score(
        title="density",
        short="density",
        about="how many real balls of 5 nearest neighbours hold an adapted image, over 5; from 0; about 1 for equal sets",
        grid="realism",
        better="higher",
        digits=2,
    ),
    "coverage": Score(
        title="coverage",
        short="coverage",
        about="share of real balls of 5 nearest neighbours that hold an adapted image; 0 … 1; low where modes are lost",
        grid="realism",
        better="higher",
        digits=2,
    ),
    "refinement": Score(
        title="mean |R(x) − x|",
        short="refinement",
        about="mean change of a pixel, images in [−1, 1]; 0 … 2; near 0 the adapter does nothing",
        grid="images",
        better="neither",
        digits=3,
    ),
    "diversity": Score(
        title="mean |difference of draws|",
        short="diversity",
        about="mean difference of a pixel between two adaptations of one image, images in [−1, 1]; 0 … 2; 0 without randomness",
        grid="images",
        better="neither",
        digits=3,
    ),
    "spread": Score(
        title="mean |difference of images|",
        short="spread",
        about="mean difference of a pixel between two adapted images, in [−1, 1]; 0 … 2; 0 where all look the same",
        grid="images",
        better="neither",
        digits=3,
    ),
    "lpips_diversity": Score(
        title="LPIPS of draws",
        short="LPIPS of draws",
        about="perceptual distance (SqueezeNet, 64 px) between two adaptations of one image; from 0; 0 without randomness",
        grid="images",
        better="neither",
        digits=3,
    ),
    "lpips_spread": Score(
        title="LPIPS of images",
        short="LPIPS of images",
        about="perceptual distance (SqueezeNet, 64 px) between two adapted images; from 0; 0 where all look the same",
        grid="images",
        better="neither",
        digits=3,
    ),
}

TIMM = "timm:"
EXTRACTORS: dict[str, str] = {
    "digits-v1": "This project's digit network, 64 features; see ``digits_net.py``.",
    "inception": "The standard FID's network: torch-fidelity's port of the 2015 TensorFlow Inception, 2048 features.",
    "squeezenet": "ImageNet SqueezeNet 1.1 of torchvision, the mean over its last map, 512 features; images become 96 × 96.",
    "random": "Two convolutions with fixed random weights, 64 features; for tests.",
    f"{TIMM}NAME": "Any pretrained timm backbone, pooled features; vit_small_patch14_dinov2 is a good judge.",
}
"""The feature extractors of FID and KID; ``extractors.py`` loads them."""


def check_extractor(name: str) -> None:
    """Raise :class:`~mistakes.UserMistake` unless ``name`` is an extractor's."""
    if name not in EXTRACTORS and not name.startswith(TIMM):
        raise unknown("extractor", name, EXTRACTORS)
