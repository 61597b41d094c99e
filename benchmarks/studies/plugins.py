"""Methods and pairs from outside the repository: plugins in files or installed packages, and a user's own pairs.

A plugin is a Python module with ``RECIPES``, a sequence of :class:`~methods.recipes.Recipe`, or ``PAIRS``, a mapping of
names to :class:`~datasets.catalogue.Entry`, or both. A package offers a plugin as an entry point of the group
``sim_to_real_bench``. A user's own pair is a TOML file. This module needs no torch until an own pair is opened.
"""

import hashlib
import importlib.util
import re
import subprocess
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from datasets.catalogue import PAIRS, Entry
from datasets.files import reading
from datasets.own import form as forms
from methods.recipe import Recipe
from methods.recipes import RECIPES
from mistakes import UserMistake

GROUP = "sim_to_real_bench"
ROOT = Path(__file__).parents[2]
CONTRACT = [
    ROOT / "tests" / name
    for name in ("methods/test_contract.py", "running/test_batches.py", "datasets/pairs/test_every_pair.py")
]
LOADED: dict[str, str] = {}
"""The plugins in use by name: the first twelve hex digits of their files' SHA-256. Every record holds them."""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The files that add a user's methods and pairs to a process: plugins, and the TOML files of own pairs.

    Sources are plain data. They travel with runs to every process that does runs, and are opened there. Messages name
    the files as they are named here.
    """

    plugins: tuple[Path, ...] = ()
    pairs: tuple[Path, ...] = ()

    def absolute(self) -> "Sources":
        """Return the same files by their absolute paths, for a process that may work in another folder."""
        return Sources(
            plugins=tuple(map(Path.absolute, self.plugins)), pairs=tuple(map(Path.absolute, self.pairs))
        )

    def open(self) -> None:
        """Add the methods and pairs of installed packages and of these files to ``RECIPES`` and ``PAIRS``.

        Nothing else adds to these two. Sources may be opened again: a plugin is added only once, while the data of a
        pair are read anew.
        Raises :class:`UserMistake` for a file that is missing or cannot be read or run, a plugin without valid recipes or
        pairs, a name in use, a method that cannot be configured, and broken data of a pair.
        """
        for point in entry_points(group=GROUP):
            if point.name not in LOADED:
                _add_plugin(_imported(point), point.name)
        for file in self.plugins:
            name = str(file.resolve())
            if name not in LOADED:
                _add_plugin(_run(file), name)
        for file in self.pairs:
            _add_pair(file)


def _imported(point: EntryPoint) -> ModuleType:
    """Return the module of an installed plugin."""
    try:
        return point.load()
    except Exception as error:
        raise _broken(f"installed plugin {point.name!r}", error) from error


def _run(file: Path) -> ModuleType:
    """Return the module that a plugin's file makes when it is run."""
    if not file.is_file():
        raise UserMistake(
            f"plugin {str(file)!r} does not exist; allowed: a Python file with RECIPES or PAIRS."
        )
    name = f"plugin_{hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:8]}_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise UserMistake(f"plugin {str(file)!r} is no Python file; allowed: a file that ends in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look up their module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise _broken(f"plugin {str(file)!r}", error) from error
    return module


def _broken(what: str, error: Exception) -> UserMistake:
    """Return the mistake that a plugin's exception stands for, with the line that raised it."""
    if isinstance(error, UserMistake):
        return error
    where = traceback.extract_tb(error.__traceback__)[-1]
    said = " ".join(str(error).split())[:200]
    return UserMistake(
        f"{what} cannot be loaded ({type(error).__name__}: {said}, {Path(where.filename).name}:{where.lineno}); "
        "allowed: a module that can be imported."
    )


def _add_plugin(module: ModuleType, name: str) -> None:
    """Add all recipes and pairs of a plugin, or none if any of them is refused."""
    recipes, pairs = _offered(module, name)
    for kind, ours, theirs in (("method", RECIPES, recipes), ("pair", PAIRS, pairs)):
        if taken := set(ours) & set(theirs):
            raise UserMistake(
                f"plugin {name!r}: the {kind} {min(taken)!r} is there already; allowed: another name."
            )
    if odd := [word for word in (*recipes, *pairs) if not re.fullmatch(r"[\w.+-]+", word)]:
        raise UserMistake(f"plugin {name!r}: the name {odd[0]!r}; allowed: letters, digits and - _ . +.")
    for recipe in recipes.values():
        try:
            recipe.at("paper")
        except Exception as error:
            raise _broken(f"method {recipe.name!r} of plugin {name!r}", error) from error
    RECIPES.update(recipes)
    PAIRS.update(pairs)
    file = getattr(module, "__file__", None)
    LOADED[name] = hashlib.sha256(Path(file).read_bytes()).hexdigest()[:12] if file else ""


def _offered(module: ModuleType, name: str) -> tuple[Mapping[str, Recipe], Mapping[str, Entry]]:
    """Return the recipes and pairs of a plugin's module, both by name."""
    recipes, pairs = getattr(module, "RECIPES", ()), getattr(module, "PAIRS", {})
    wanted = "RECIPES, a sequence of Recipe, or PAIRS, a mapping of names to Entry"
    if not (recipes or pairs):
        raise UserMistake(f"plugin {name!r} offers nothing; allowed: {wanted}.")
    offered = {recipe.name: recipe for recipe in recipes if isinstance(recipe, Recipe)}
    if len(offered) != len(recipes):
        raise UserMistake(
            f"plugin {name!r} has something else in RECIPES, or a name twice; allowed: {wanted}."
        )
    if not isinstance(pairs, Mapping) or not all(isinstance(entry, Entry) for entry in pairs.values()):
        raise UserMistake(f"plugin {name!r} has something else in PAIRS; allowed: {wanted}.")
    return offered, pairs


def _add_pair(file: Path) -> None:
    """Add a user's own pair, or read its data anew."""
    form = forms.read(file)
    if form.name in PAIRS and PAIRS[form.name].file != file.resolve():
        raise reading.refused(file, f"has the name {form.name!r}, which another pair has", "another name")
    from datasets.own.pair import entry  # imported here: it loads torch

    PAIRS[form.name] = entry(form, file)


def check(file: Path) -> int:
    """Run the contract tests on a plugin's methods and pairs and print pytest's report; return 0 if all pass, else 1.

    Raises :class:`UserMistake` if the plugin cannot be loaded, or if the tests or pytest are missing.
    """
    before = {*RECIPES, *PAIRS}
    Sources(plugins=(file,)).open()
    offered = [name for name in (*RECIPES, *PAIRS) if name not in before]
    missing = [str(test) for test in CONTRACT if not test.exists()]
    if missing or importlib.util.find_spec("pytest") is None:
        raise UserMistake(
            f"the contract tests need {', '.join(missing) or 'pytest'}; allowed: a checkout of this project with its extra dev."
        )
    command = [sys.executable, "-m", "pytest", "-q", "--plugin", str(file.resolve()), *map(str, CONTRACT)]
    return min(1, subprocess.run([*command, "-k", " or ".join(offered)], cwd=ROOT, check=False).returncode)
