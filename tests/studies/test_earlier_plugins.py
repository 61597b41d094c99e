"""Plugins as they were written before the modules had their rooms run, but for a method whose adapter takes no batches."""

from pathlib import Path

import pytest

import bench
import datasets
from benchmarks.records import store
from datasets.sets import uci_digits

pytestmark = pytest.mark.usefixtures("names_as_before")

MOMENTS = '''"""Moment matching: source images get the target's mean and standard deviation, channel by channel."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from methods.contract import Batch, Config, Method, Problem, Stateful, frozen


@dataclass(frozen=True, kw_only=True)
class MomentsConfig(Config):
    """``momentum`` is the weight of a new batch in the running moments."""

    momentum: float = 0.1

    def build(self, problem: Problem, device: torch.device, seed: int) -> "Moments":
        """Return the method."""
        return Moments(self, problem.shape[0], device)


class Recolour(nn.Module):
    """Per channel: subtract the source's mean, divide by its deviation, put the target's in their place."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.moments = nn.Parameter(torch.tensor([0.0, 1.0, 0.0, 1.0]).repeat(channels, 1))

    def forward(self, source: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Map N × C × H × W in [−1, 1] to the same shape and range."""
        from_mean, from_spread, to_mean, to_spread = self.moments.T[:, None, :, None, None]
        return ((source - from_mean) / from_spread * to_spread + to_mean).clamp(-1, 1)


class Moments(Method):
    """Keeps running moments of both domains; there is no gradient."""

    def __init__(self, config: MomentsConfig, channels: int, device: torch.device) -> None:
        self.config = config
        self.recolour = Recolour(channels).to(device)

    @property
    def state(self) -> Mapping[str, Stateful]:
        """Name all that changes in training."""
        return {"recolour": self.recolour}

    @torch.no_grad()
    def step(self, batches: Iterator[Batch]) -> dict[str, Tensor]:
        """Move the running moments towards those of one batch."""
        batch = next(batches)
        seen = torch.stack([f(x) for x in (batch.source, batch.target) for f in (_mean, _spread)], 1)
        self.recolour.moments.lerp_(seen, self.config.momentum)
        return {"gap": (seen[:, 0] - seen[:, 2]).abs().mean()}

    def adapter(self) -> Recolour:
        """Return a frozen copy of the map."""
        return frozen(self.recolour)


def _mean(images: Tensor) -> Tensor:
    return images.mean((0, 2, 3))


def _spread(images: Tensor) -> Tensor:
    return images.std((0, 2, 3))


from methods.recipes import Recipe

RECIPES = [
    Recipe(name="moments", base=MomentsConfig(), about="source with the target's mean and spread", paper="–")
]
'''
NEGATIVES = '''"""``negatives``: handwritten digits → the negatives of others, with noise; 16 × 16 grey."""

from pathlib import Path

import torch

from datasets import digits
from datasets.contract import Classification, DomainPair, Labelled


def load(data: Path | None = None) -> DomainPair:
    """Return the pair; ``data`` is not needed."""
    return DomainPair(
        name="negatives",
        task=Classification(classes=10),
        source=_digits(0),
        oracle=_negatives(1),
        test=_negatives(2),
    )


def _digits(third: int) -> Labelled:
    blocks, labels = digits.handwritten()
    images = digits.enlarge(blocks[digits.third(third)], 16)
    return Labelled(images=images, labels=labels[digits.third(third)], masks=digits.ink(images))


def _negatives(third: int) -> Labelled:
    plain = _digits(third)
    random = torch.Generator().manual_seed(third)
    noise = torch.randint(0, 60, plain.images.shape, generator=random, dtype=torch.uint8)
    return Labelled(images=255 - plain.images // 2 - noise, labels=plain.labels, masks=plain.masks)


from datasets.catalogue import Entry

PAIRS = {
    "negatives": Entry(
        about="digits → noisy negatives of others",
        licence="UCI digits: CC BY 4.0",
        load=load,
        extractor="digits-v1",
    )
}
'''


def test_an_earlier_method_is_told_in_one_line_what_its_adapter_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "moments.py").write_text(MOMENTS, encoding="utf-8")
    assert bench.main(["list", "methods", "--plugin", str(tmp_path / "moments.py")]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "method Moments has adapter(self)" in line
    assert line.endswith("; allowed: adapter(self, batches).")


def test_an_earlier_method_so_changed_and_an_earlier_pair_run(tmp_path: Path) -> None:
    words = ["--methods", "moments", "--pair", "negatives", "--no-bounds", "--scale", "smoke", "--seeds", "1"]
    changed = MOMENTS.replace("adapter(self)", "adapter(self, batches)")
    for name, text in (("moments.py", changed), ("negatives.py", NEGATIVES)):
        (tmp_path / name).write_text(text, encoding="utf-8")
        words += ["--plugin", str(tmp_path / name)]
    assert bench.main([*words, "--device", "cpu", "--results", str(tmp_path / "results")]) == 0
    (record,) = store.read_all(tmp_path / "results")
    assert record.status == "ok"
    assert record.spec["settings"] == {"method": "Moments", "momentum": 0.1}
    assert record.protocol["test"] == 599


def test_datasets_has_no_other_former_name() -> None:
    assert datasets.digits is uci_digits
    with pytest.raises(AttributeError, match="module 'datasets' has no attribute 'digit'"):
        datasets.digit  # noqa: B018
