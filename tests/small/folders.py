"""A tiny pair of a user's own folders, written anew for every test."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.small.data import png, put

COUNT, HEIGHT, WIDTH = 20, 10, 12
FOLDERS = ("rendered", "photos", "test")
CLASSES = ["left", "right"]


def form(root: Path, **changes: Any) -> dict[str, Any]:
    """Return the contents of the TOML file; a pair's name is its folder's, so that no test meets another's."""
    return {
        "name": f"eyes-{root.name}",
        "about": "rendered eyes → photographs",
        "task": "classification",
        "classes": CLASSES,
        "size": [HEIGHT, WIDTH],
        "colour": "rgb",
        "extractor": "random",
        "source": {"images": "rendered", "labels": "rendered.csv"},
        "target": {"images": "photos", "labels": "photos.csv"},
        "test": {"images": "test", "labels": "test.csv"},
        **changes,
    }


def pixels(folder: str) -> np.ndarray:
    """Return the images of a folder, N × H × W × 3."""
    random = np.random.default_rng(FOLDERS.index(folder))
    return random.integers(0, 256, (COUNT, HEIGHT, WIDTH, 3), dtype=np.uint8)


def labels() -> list[int]:
    return [index % 3 % 2 for index in range(COUNT)]


def folder_pair(root: Path, **changes: Any) -> Path:
    """Write images, masks and labels of a pair below ``root`` and return its TOML file."""
    put(root, _files())
    return write_toml(root / "eyes.toml", form(root, **changes))


@cache
def _files() -> dict[str, bytes]:
    files = {f"masks/{index:02}.png": png(image[..., 0]) for index, image in enumerate(pixels("rendered"))}
    for folder in FOLDERS:
        files |= {f"{folder}/{index:02}.png": png(image) for index, image in enumerate(pixels(folder))}
        lines = [f"{index:02}.png,{CLASSES[label]}" for index, label in enumerate(labels())]
        files[f"{folder}.csv"] = "\n".join(["file,label", *lines]).encode()
    return files


def write_toml(path: Path, content: dict[str, Any]) -> Path:
    """Write plain values and one level of tables as TOML, which writes them as JSON does; ``None`` is left out."""
    plain = {key: value for key, value in content.items() if not isinstance(value, dict)}
    tables = {key: value for key, value in content.items() if isinstance(value, dict)}
    lines = _lines(plain)
    for name, table in tables.items():
        lines += [f"[{name}]", *_lines(table)]
    path.write_text("\n".join(lines) + "\n")
    return path


def _lines(table: dict[str, Any]) -> list[str]:
    return [f"{key} = {json.dumps(value)}" for key, value in table.items() if value is not None]
