"""Trained adapters on disk, and their use on a user's own images by ``bench.py adapt``."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, PngImagePlugin
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from benchmarks.evaluation.promises import BrokenPromise, Diverged, paint
from benchmarks.records.files import directory_atomic, writable
from benchmarks.studies.study import RunSpec
from datasets.contract import to_bytes, to_unit
from datasets.own.images import decode, picture_paths, pixels
from methods.contract import Adapter, Problem
from methods.recipes import config_of
from methods.seeding import generator
from mistakes import UserMistake

FILE = "adapter.safetensors"
MODES = {1: "L", 3: "RGB"}
BATCH = 64


@dataclass(frozen=True, kw_only=True)
class StoredTask:
    """A task as a stored adapter knows it: name and number of outputs, but no loss."""

    name: str
    outputs: int

    def losses(self, outputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Raise: no loss is stored."""
        raise TypeError(f"the losses of the task {self.name!r} are not stored with an adapter")


@dataclass(frozen=True, kw_only=True)
class TrainedAdapter:
    """An adapter with the shape (C, H, W) of the images it was trained on."""

    adapter: Adapter
    shape: tuple[int, int, int]


def pack(adapter: Adapter, spec: RunSpec, problem: Problem) -> bytes:
    """Return an adapter's weights as a safetensors file; its metadata name row, scale, settings and problem."""
    task = {"task": problem.task.name, "outputs": problem.outputs}
    plain = {"shape": problem.shape, **task, "batch": problem.batch, "steps": problem.steps}
    about = {"row": spec.row, "scale": spec.scale, "settings": spec.settings, "problem": plain}
    weights = {name: value.contiguous() for name, value in adapter.state_dict().items()}
    return save(weights, metadata={"adapter": json.dumps(about)})


def unpack(run: Path, device: torch.device) -> TrainedAdapter:
    """Rebuild the adapter of a run from the file in the run's folder.

    Raises :class:`UserMistake` if the file is missing or broken, or if its settings are unknown.
    """
    path = run / FILE
    if not path.is_file():
        raise UserMistake(
            f"run {str(run)!r} has no {FILE}; allowed: the folder of a run whose method adapts images."
        )
    try:
        with safe_open(path, "pt", device=str(device)) as opened:
            about = json.loads(opened.metadata()["adapter"])
            weights = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, KeyError, TypeError) as error:
        raise UserMistake(
            f"file {str(path)!r} is no adapter ({error}); allowed: the {FILE} that a run writes."
        ) from error
    problem = _problem(**about["problem"])
    adapter = config_of(about["settings"]).build(problem, device, seed=0).adapter(iter(()))
    assert isinstance(adapter, torch.nn.Module)
    adapter.load_state_dict(weights)
    return TrainedAdapter(adapter=adapter, shape=problem.shape)


def _problem(*, shape: Sequence[int], task: str, outputs: int, batch: int, steps: int) -> Problem:
    channels, height, width = shape
    stored = StoredTask(name=task, outputs=outputs)
    return Problem(shape=(channels, height, width), task=stored, batch=batch, steps=steps)


def adapt_folder(trained: TrainedAdapter, source: Path, out: Path, seed: int, device: torch.device) -> int:
    """Adapt every PNG and JPEG below ``source`` into a PNG of the same relative name below ``out``; return their number.

    Text in a PNG is kept. ``out`` appears whole or not at all. Raises :class:`UserMistake` for an image that
    cannot be read or has another size than the adapter was trained on, and if ``out`` exists.
    """
    paths = picture_paths(source, strict=False)
    if not paths:
        raise UserMistake(f"folder {str(source)!r} holds no image; allowed: PNG or JPEG images.")
    names = [path.relative_to(source).with_suffix(".png") for path in paths]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UserMistake(
            f"images named {str(twice[0])!r} would overwrite each other; allowed: each stem once."
        )
    if out.exists():
        raise UserMistake(f"folder {str(out)!r} exists; allowed: a new one.")
    random = generator(seed, "adapter", device)
    with writable(f"folder {str(out)!r}"), directory_atomic(out) as draft:
        for start in range(0, len(paths), BATCH):
            batch = slice(start, start + BATCH)
            _adapt(trained, paths[batch], [draft / name for name in names[batch]], random)
    return len(paths)


def _adapt(
    trained: TrainedAdapter, paths: Sequence[Path], places: Sequence[Path], random: torch.Generator
) -> None:
    read = [_read(path, trained.shape) for path in paths]
    images = to_unit(torch.stack([image for image, _ in read]).to(random.device))
    try:
        adapted = to_bytes(paint(trained.adapter, images, random)).cpu()
    except (BrokenPromise, Diverged) as error:
        said = str(error).partition("; allowed: ")[0]
        raise UserMistake(
            f"image {str(paths[0])!r} or one of the next {len(paths) - 1}: {said}; allowed: the adapter of another run."
        ) from error
    for image, (_, text), place in zip(adapted, read, places, strict=True):
        place.parent.mkdir(parents=True, exist_ok=True)
        pixels = (
            image.permute(1, 2, 0).squeeze(2).numpy() if len(image) == 1 else image.permute(1, 2, 0).numpy()
        )
        Image.fromarray(pixels).save(place, pnginfo=text)


def _read(path: Path, shape: tuple[int, int, int]) -> tuple[Tensor, PngImagePlugin.PngInfo]:
    """Return an image, C × H × W uint8, and the text in its file."""
    channels, height, width = shape
    image = decode(path)
    if image.size != (width, height):
        raise UserMistake(
            f"image {str(path)!r} is {image.width}×{image.height}; allowed: {width}×{height}, as the adapter was trained."
        )
    text = PngImagePlugin.PngInfo()
    for name, value in image.info.items():
        if isinstance(value, str):
            text.add_text(str(name), value)
    return pixels(image.convert(MODES[channels])), text
