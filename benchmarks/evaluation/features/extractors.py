"""Feature extractors: FID and KID compare images by features. Another extractor makes another score, not a fallback."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from benchmarks.evaluation.features.digits_net import DigitsNet
from benchmarks.scores.catalogue import TIMM, check_extractor
from datasets.contract import to_unit
from methods.seeding import initialising
from mistakes import UserMistake

INCEPTION_FILE = "weights-inception-2015-12-05-6726825d.pth"
SQUEEZENET_FILES = ("weights/squeezenet1_1_features.safetensors", "checkpoints/squeezenet1_1-b8a52dc0.pth")


@dataclass(frozen=True, kw_only=True)
class Extractor:
    """``features`` maps uint8 images, grey or RGB, N × C × H × W of any size, to N × d.

    ``title`` names the network, its version and its resize filter; ``weights`` is a digest of the weights.
    """

    title: str
    features: Callable[[Tensor], Tensor]
    weights: str

    @torch.inference_mode()
    def __call__(self, images: Tensor, batch: int = 256) -> Tensor:
        """Return the features of all images, N × d; a fourth channel (depth) is left out."""
        return torch.cat([self.features(part) for part in images[:, :3].split(batch)])


def load_extractor(name: str, device: torch.device, data: Path | None = None) -> Extractor:
    """Return the extractor of that name; its weights are looked for below ``data``/weights.

    Raises :class:`UserMistake` if it is unknown or its weights are missing.
    """
    check_extractor(name)
    if name.startswith(TIMM):
        return _timm(name.removeprefix(TIMM), device, data)
    return LOADERS[name](device, data)


def check_extractor_there(name: str, data: Path | None = None) -> None:
    """Raise :class:`UserMistake` as :func:`load_extractor` does, but build no network and read no weights.

    Only :func:`load_extractor` finds out that weights are unreadable, or that a model hub lacks a timm backbone.
    """
    check_extractor(name)
    if name.startswith(TIMM):
        _check_timm_model(name.removeprefix(TIMM))
    elif name in CHECKS:
        CHECKS[name](data)


def _digits(device: torch.device, data: Path | None) -> Extractor:
    with initialising(0, "digits-v1"):  # the file's weights follow; the global random stream stays untouched
        network = DigitsNet().to(device).to(memory_format=torch.channels_last).eval()
    network.load_state_dict(load_file(Path(__file__).with_name("digits-v1.safetensors")))
    return Extractor(
        title="digits-v1, 32 px bilinear",
        features=lambda images: network.features(to_unit(images)),
        weights=_digest(network),
    )


def _random(device: torch.device, data: Path | None) -> Extractor:
    with initialising(0, "random extractor"):
        layers = (nn.Conv2d(3, 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU())
    network = nn.Sequential(*layers).to(device)

    def features(images: Tensor) -> Tensor:
        return network(to_unit(images).expand(-1, 3, -1, -1)).mean((2, 3))

    return Extractor(title="random-conv", features=features, weights=_digest(network))


def _inception_parts(data: Path | None) -> tuple[Path, Callable[..., nn.Module]]:
    """Return the file of the weights and the class of the network; raise :class:`UserMistake` if either is missing."""
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
    return weights, FeatureExtractorInceptionV3


def _inception(device: torch.device, data: Path | None) -> Extractor:
    weights, network_class = _inception_parts(data)
    network = network_class("inception", ["2048"], feature_extractor_weights_path=str(weights))
    network.to(device).eval()
    return Extractor(
        title="inception-2015, 299 px TF1-bilinear",
        features=lambda images: network(images.expand(-1, 3, -1, -1))[0],
        weights=_digest(network),
    )


def _squeezenet_files(data: Path | None) -> list[Path]:
    """Return the files of SqueezeNet's weights: below the data root first, then in torchvision's download folder."""
    roots = ([data] if data else []) + [Path(torch.hub.get_dir())]
    return [path for root in roots for file in SQUEEZENET_FILES if (path := root / file).exists()]


def squeezenet_state(data: Path | None) -> dict[str, Tensor] | None:
    """Return the weights of torchvision's SqueezeNet 1.1 up to its last map, or ``None`` if no file is found.

    They are looked for below the data root, then in torchvision's download folder. Raises :class:`UserMistake` if a file
    cannot be read.
    """
    found = _squeezenet_files(data)
    if not found:
        return None
    try:
        state = load_file(found[0]) if found[0].suffix == ".safetensors" else torch.load(found[0])
    except (OSError, SafetensorError, UnpicklingError) as error:
        raise UserMistake(
            f"weights {str(found[0])!r} cannot be read ({error}); allowed: torchvision's squeezenet1_1."
        ) from error
    return {
        name.removeprefix("features."): value for name, value in state.items() if "classifier" not in name
    }


def _no_squeezenet() -> UserMistake:
    return UserMistake(
        f"extractor 'squeezenet' needs its weights, which are neither below the data root ({SQUEEZENET_FILES[0]}) nor "
        f"at {str(Path(torch.hub.get_dir()) / SQUEEZENET_FILES[1])!r}; "
        "allowed: torchvision's squeezenet1_1 weights in one of the two."
    )


def _check_squeezenet(data: Path | None) -> None:
    if not _squeezenet_files(data):
        raise _no_squeezenet()


def _squeezenet(device: torch.device, data: Path | None) -> Extractor:
    from torchvision.models import squeezenet1_1

    state = squeezenet_state(data)
    if state is None:
        raise _no_squeezenet()
    with initialising(0, "squeezenet"):
        network = squeezenet1_1().features.to(device).to(memory_format=torch.channels_last).eval()
    network.load_state_dict(state)
    mean, deviation = _normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), device)

    def features(images: Tensor) -> Tensor:
        return network((resized(images, 96) - mean) / deviation).mean((2, 3))

    return Extractor(title="squeezenet1.1, 96 px bilinear", features=features, weights=_digest(network))


def _check_timm_model(name: str) -> None:
    import timm  # imported late: it takes seconds

    if not timm.is_model(name):
        near = get_close_matches(name, timm.list_models(), n=3, cutoff=0.0)
        raise UserMistake(
            f"extractor '{TIMM}{name}': timm has no such model; allowed: {', '.join(near)} or another of timm.list_models()."
        )


def _timm(name: str, device: torch.device, data: Path | None) -> Extractor:
    """Return the pooled features of a pretrained timm backbone; images get the size and normalisation of its training."""
    import timm

    _check_timm_model(name)
    local = data / "weights" / "timm" / f"{name}.safetensors" if data else None
    try:
        with initialising(0, name):
            file = {"file": str(local)} if local and local.exists() else None
            network: Any = timm.create_model(
                name, pretrained=True, num_classes=0, pretrained_cfg_overlay=file
            )
    except Exception as error:  # the hub, the file and the network raise errors of many classes
        said = " ".join(str(error).split())[:200]
        raise UserMistake(
            f"extractor '{TIMM}{name}' has no weights here ({type(error).__name__}: {said}); allowed: a machine that "
            f"reaches the model hub, or the file weights/timm/{name}.safetensors below the data root."
        ) from error
    network = network.to(device).eval()
    config = network.pretrained_cfg
    side = config["input_size"][-1]
    mean, deviation = _normalisation(config["mean"], config["std"], device)

    def features(images: Tensor) -> Tensor:
        return network((resized(images, side, "bicubic") - mean) / deviation)

    return Extractor(title=f"{name}, {side} px bicubic", features=features, weights=_digest(network))


def _digest(network: nn.Module) -> str:
    """Return twelve hex digits of the SHA-256 of a network's weights."""
    digest = hashlib.sha256()
    for name, value in network.state_dict().items():
        digest.update(name.encode())
        digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]


def resized(images: Tensor, side: int, mode: str = "bilinear") -> Tensor:
    """Return uint8 grey or RGB images as RGB in [0, 1], resized to side × side with an antialiased filter."""
    unit = images.float().div(255).expand(-1, 3, -1, -1)
    if unit.shape[2:] == (side, side):
        return unit
    larger = F.interpolate(unit, (side, side), mode=mode, align_corners=False, antialias=True)
    return larger.clamp(0, 1).contiguous(memory_format=torch.channels_last)


def _normalisation(
    mean: tuple[float, ...], deviation: tuple[float, ...], device: torch.device
) -> tuple[Tensor, Tensor]:
    return torch.tensor(mean, device=device).view(3, 1, 1), torch.tensor(deviation, device=device).view(
        3, 1, 1
    )


LOADERS: dict[str, Callable[[torch.device, Path | None], Extractor]] = {
    "digits-v1": _digits,
    "inception": _inception,
    "squeezenet": _squeezenet,
    "random": _random,
}
CHECKS: dict[str, Callable[[Path | None], object]] = {
    "inception": _inception_parts,
    "squeezenet": _check_squeezenet,
}
"""Functions, by extractor, that raise if its weights or package are missing; other extractors are always complete."""
