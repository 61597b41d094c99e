"""The scores by name: their titles in tables, units and better directions; the extractors of their features.

Scores that need labels are those of a task: they are made from the measures that the task brings.

Needs no torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from datasets.tasks.measures import ANGLE, ERROR, Measure
from mistakes import unknown


@dataclass(frozen=True, kw_only=True)
class Score:
    """How a table shows a score, and in which of its grids. ``title`` may use the protocol's ``{extractor}`` and ``{images}``.

    ``digits`` counts decimals; ``None`` shows three significant digits. ``worst`` is the worst possible value. ``marked``
    says whether the best row is marked; it is not where an adapter that does nothing is best.
    """

    title: str
    short: str
    about: str
    grid: Literal["scores", "realism", "images"]
    better: Literal["lower", "higher", "neither"] = "lower"
    digits: int | None = 1
    worst: float | None = None
    marked: bool = True


SUITE: Mapping[str, Score] = {
    "fid": Score(
        title="FID ({extractor}, n={images})",
        short="FID",
        about="Fréchet distance of features, adapted source against target test; from 0; biased upwards for small n",
        grid="scores",
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
    "artefacts": Score(
        title="artefacts %",
        short="artefacts",
        about="share of 8 × 8 patches of adapted images outside the real patches' distribution; 0 … 100; 1 for real images",
        grid="images",
        worst=100.0,
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
    "critic_auc": Score(
        title="critic's AUC",
        short="critic's AUC",
        about="share of pairs of an adapted and a real training image that the method's last critic tells apart; 0 … 1; 0.5 is chance",
        grid="images",
        better="neither",
        digits=2,
    ),
    "forgetting": Score(
        title="critic's forgetting",
        short="forgetting",
        about="the last critic's AUC on present adapted images less its mean AUC on those of earlier snapshots; −1 … 1; "
        "above 0 where it tells earlier ones worse",
        grid="images",
        better="neither",
        digits=3,
    ),
}
"""The scores that need no labels."""


HEADLINE = {
    "{name}": (
        "target {title}",
        "{words}",
        "{about} on the target test set of a task model trained on adapted source, or of the method's own where it adapts no image",
    ),
    "own_{name}": (
        "own model's {title}",
        "own {words}",
        "{about} on the target test set of the task model that the method itself trains",
    ),
    "unseen_{name}": (
        "target {title}, unseen classes",
        "unseen {words}",
        "target {words} on the classes that adaptation saw in neither domain",
    ),
}
OTHER = {
    "{name}": ("target {title}", "{words}", "{about} on the target test set"),
    "own_{name}": (
        "own model's {title}",
        "own {words}",
        "the same for the task model that the method itself trains",
    ),
}
LOST = {
    "label_error": (
        "labels lost {unit}",
        "labels lost",
        "share of adapted source images that a task model trained on the source no longer reads as their label; least where "
        "nothing is adapted, so no row is marked best",
    )
}
DRIFT = {
    "label_error": (
        "label drift {unit}",
        "label drift",
        "{about} of a task model trained on the source, on adapted source images; least where nothing is adapted, so no row "
        "is marked best",
    )
}
"""Title, short title and meaning of the scores that come from a measure, by the score's name."""


@dataclass(frozen=True, kw_only=True)
class TaskScores:
    """The scores of runs on one task, in the order of a table's columns, and the measure that is the task's headline."""

    headline: Measure
    scores: Mapping[str, Score]

    @classmethod
    def of(cls, task: Mapping[str, Any]) -> "TaskScores":
        """Return the scores of a record's ``task``; without one, those of the tasks that the suite brings."""
        if not task:
            return SHIPPED
        measures = {measure["name"]: Measure(**measure) for measure in task["measures"]}
        return cls.made_of(measures.pop(task["headline"]), *measures.values())

    @classmethod
    def made_of(cls, headline: Measure, *others: Measure) -> "TaskScores":
        """Return the scores of a task with these measures."""
        scores = {"fid": SUITE["fid"], **_titled(HEADLINE, headline)}
        for one in others:
            scores |= _titled(OTHER, one)
        scores |= _titled(LOST if headline.wrong_answers else DRIFT, headline, marked=False)
        return cls(headline=headline, scores={**scores, **SUITE})

    @property
    def compared(self) -> tuple[str, str, str]:
        """The names of the scores that rows are compared by, all better the lower."""
        return "fid", self.headline.name, f"own_{self.headline.name}"


def _titled(
    templates: Mapping[str, tuple[str, str, str]], one: Measure, *, marked: bool = True
) -> dict[str, Score]:
    words = {"name": one.name, "words": one.words, "title": one.title, "unit": one.unit, "about": one.about}
    return {
        name.format(**words): Score(
            title=title.format(**words).rstrip(),
            short=short.format(**words),
            about=f"{about.format(**words)}; {one.span}",
            grid="scores",
            better=one.better,
            digits=one.digits,
            worst=one.worst,
            marked=marked,
        )
        for name, (title, short, about) in templates.items()
    }


SHIPPED = TaskScores.made_of(ERROR, ANGLE)
SCORES = SHIPPED.scores
"""The scores of the tasks that the suite brings."""

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
