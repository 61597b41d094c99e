"""The code that decides a run, as checksums: of the harness, of the method and of the pair's loader. Needs no torch.

A checksum covers a module and all that it imports of this project, late imports too, or for a plugin of its own folder or
package. It is taken over syntax trees without docstrings, so that comments and formatting do not count, and it is the
same under every version of Python. Weights that lie beside a module count by their bytes.
"""

import ast
import hashlib
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from datasets.catalogue import Entry

ROOT = Path(__file__).parents[2]
OURS = {"methods", "datasets", "benchmarks", "mistakes"}
HARNESS = "benchmarks.running.run"
LEFT_OUT = {
    "benchmarks.records.files",
    "benchmarks.records.pictures",
    "benchmarks.records.record",
    "benchmarks.records.store",
    "benchmarks.running.adapters",
    "benchmarks.running.provenance",
    "benchmarks.scores.catalogue",
    "benchmarks.studies.plugins",
    "benchmarks.studies.study",
    "datasets.catalogue",
    "methods.recipe",
    "methods.recipes",
    "mistakes",
}
"""Modules that name, describe and keep runs. What they say of a run stands in its spec, so they decide no number."""
WEIGHTS = "*.safetensors"


class Module(NamedTuple):
    """A module: its dotted name, its file, and the folder from which the names of its neighbours count."""

    name: str
    file: Path
    home: Path


def code_of(config: object, entry: Entry) -> dict[str, str]:
    """Return the checksums that decide a run of this config on this pair: ``harness``, ``method`` and ``pair``.

    The method's checksum covers the classes of the config and of all its parts.
    """
    load = entry.load
    module = load.partition(":")[0] if isinstance(load, str) else getattr(load, "func", load).__module__
    return {
        "harness": checksum({HARNESS}),
        "method": checksum({type(part).__module__ for part in _parts(config)}),
        "pair": checksum({module}),
    }


def checksum(names: set[str]) -> str:
    """Return the first twelve hex digits of the SHA-256 of these modules and of all that they import.

    A module without a file, such as a notebook, counts as empty.
    """
    found = sorted(_closure(names), key=lambda module: module.file.relative_to(module.home))
    whole = hashlib.sha256()
    for module in found:
        if content := _read(module, module.file.stat().st_mtime_ns).content:
            whole.update(f"{module.file.relative_to(module.home).as_posix()} {content}\n".encode())
    for weights in sorted({path for module in found for path in module.file.parent.glob(WEIGHTS)}):
        whole.update(hashlib.sha256(weights.read_bytes()).digest())
    return whole.hexdigest()[:12]


def _parts(config: object) -> Iterator[object]:
    """Yield a config and all its parts."""
    yield config
    for field in fields(config):  # type: ignore[arg-type]
        if is_dataclass(part := getattr(config, field.name)):
            yield from _parts(part)


def _closure(names: set[str]) -> list[Module]:
    """Return these modules and all that they import, but those that decide nothing."""
    found: dict[Path, Module] = {}
    left = [module for name in names if (module := _loaded(name))]
    while left:
        module = left.pop()
        if module.file in found or module.name in LEFT_OUT:
            continue
        found[module.file] = module
        names_in = _read(module, module.file.stat().st_mtime_ns).imports
        left += (other for name in names_in if (other := _followed(name, module)))
    return list(found.values())


def _followed(name: str, importer: Module) -> Module | None:
    """Return an imported module if it is this project's or a neighbour of the importer, no installed package."""
    top = name.partition(".")[0]
    if top in OURS:
        return _located(name, ROOT)
    installed = importer.home.name in ("site-packages", "dist-packages")
    return None if installed and top != importer.name.partition(".")[0] else _located(name, importer.home)


def _loaded(name: str) -> Module | None:
    """Return the module of this name: one of this project, or one that a plugin has loaded."""
    if name.partition(".")[0] in OURS:
        return _located(name, ROOT)
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:
        return None
    path = Path(file).resolve()
    return Module(name, path, path.parents[name.count(".") + (path.stem == "__init__")])


def _located(name: str, home: Path) -> Module | None:
    """Return the module of this name below a folder, ``None`` if there is no such file."""
    place = home.joinpath(*name.split("."))
    files = (file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file())
    return next((Module(name, file, home) for file in files), None)


class Content(NamedTuple):
    """What counts of a module: a checksum of its syntax tree, blank for an empty one, and all names that it may import."""

    content: str
    imports: tuple[str, ...]


@cache
def _read(module: Module, changed: int) -> Content:
    """Return what counts of a module; ``changed`` is the time of its file's last change."""
    tree = ast.parse(module.file.read_bytes())
    plain = _plain(tree.body)
    content = hashlib.sha256(repr(plain).encode()).hexdigest() if plain else ""
    package = module.name if module.file.stem == "__init__" else module.name.rpartition(".")[0]
    return Content(content, tuple(dict.fromkeys(_imports(tree, package))))


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    """Yield every name that may be that of an imported module; ``package`` is where relative names start."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: -(node.level - 1) or None] if node.level else []
            name = ".".join(part for part in (*parts, node.module) if part)
            yield from (name, *(f"{name}.{alias.name}" for alias in node.names))


def _plain(node: object) -> object:
    """Return a syntax tree as nested tuples, without empty fields, which depend on Python's version, and docstrings."""
    if isinstance(node, list):
        return tuple(_plain(one) for one in node if not _is_text(one))
    if not isinstance(node, ast.AST):
        return node
    filled = ((name, value) for name, value in ast.iter_fields(node) if value not in (None, []))
    return (type(node).__name__, *((name, _plain(value)) for name, value in filled))


def _is_text(node: object) -> bool:
    """Say whether a statement is a text alone, as docstrings are."""
    return (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and type(node.value.value) is str
    )
