"""Feature extractors: what FID and KID compare images by. Another extractor makes another score, never a fallback."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from benchmarks.scores.digits_net import DigitsNet
from datasets.contract import to_unit
from methods.seeding import initialising
from mistakes import UserMistake, unknown

INCEPTION_FILE = "weights-inception-2015-12-05-6726825d.pth"


@dataclass(frozen=True, kw_only=True)
class Extractor:
    """``features`` maps uint8 images, grey or RGB, N × C × H × W, to N × d; ``title`` names network and version."""

    title: str
    features: Callable[[Tensor], Tensor]

    @torch.inference_mode()
    def __call__(self, images: Tensor, batch: int = 256) -> Tensor:
        """Return the features of all images, N × d; a fourth channel (depth) is left out."""
        return torch.cat([self.features(part) for part in images[:, :3].split(batch)])


def load_extractor(name: str, device: torch.device) -> Extractor:
    """Return the extractor of that name; raises :class:`UserMistake` if it is unknown or its weights are missing."""
    if name not in EXTRACTORS:
        raise unknown("extractor", name, EXTRACTORS)
    return EXTRACTORS[name](device)


def _digits(device: torch.device) -> Extractor:
    """This project's digit network, 64 features; see ``digits_net.py``."""
    with initialising(0, "digits-v1"):  # replaced by the file's weights; leaves the global stream alone
        network = DigitsNet().to(device).to(memory_format=torch.channels_last).eval()
    network.load_state_dict(load_file(Path(__file__).with_name("digits-v1.safetensors")))
    return Extractor(title="digits-v1", features=lambda images: network.features(to_unit(images)))


def _random(device: torch.device) -> Extractor:
    """Two convolutions with fixed random weights, 64 features; for tests."""
    with initialising(0, "random extractor"):
        layers = (nn.Conv2d(3, 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU())
    network = nn.Sequential(*layers).to(device)

    def features(images: Tensor) -> Tensor:
        return network(to_unit(images).expand(-1, 3, -1, -1)).mean((2, 3))

    return Extractor(title="random-conv", features=features)


def _inception(device: torch.device) -> Extractor:
    """The standard FID's network: torch-fidelity's port of the 2015 TensorFlow Inception, 2048 features."""
    weights = Path(torch.hub.get_dir()) / "checkpoints" / INCEPTION_FILE
    if not weights.exists():
        raise UserMistake(
            f"extractor 'inception' needs its weights at {str(weights)!r}, which do not exist; allowed: put the file of "
            "torch-fidelity's release v0.2.0 there, or take another extractor."
        )
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError as error:
        raise UserMistake(
            "extractor 'inception' needs the package torch-fidelity, which is not installed; "
            "allowed: pip install torch-fidelity, or another extractor."
        ) from error
    network = FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=str(weights))
    network.to(device).eval()
    return Extractor(
        title="inception-2015, 299 px TF1-bilinear",
        features=lambda images: network(images.expand(-1, 3, -1, -1))[0],
    )


EXTRACTORS: dict[str, Callable[[torch.device], Extractor]] = {
    "digits-v1": _digits,
    "inception": _inception,
    "random": _random,
}
