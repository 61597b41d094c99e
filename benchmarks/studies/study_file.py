"""A study that a user wrote as a TOML file; pairs and plugins in it are relative to that file. Needs no torch."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.studies.study import Study, parse_seeds
from datasets.files import toml_form
from datasets.own import form


@dataclass(frozen=True, kw_only=True)
class StudyForm:
    """A study as its file has it: ``pairs`` are names or TOML files, ``seeds`` a number of seeds or a list of them.

    All fields but ``methods`` and ``plugins`` are those of :class:`Study`.
    """

    name: str
    about: str
    pairs: tuple[str, ...]
    methods: tuple[str, ...]
    seeds: int | tuple[int, ...]
    scale: str = "small"
    extractor: str | None = None
    outdated: str = ""
    plugins: tuple[str, ...] = ()


def read_form(path: Path) -> StudyForm:
    """Return what the TOML file says; raises :class:`~mistakes.UserMistake` for a file that does not fit :class:`StudyForm`."""
    return toml_form.read(path, StudyForm)


def read_study(path: Path) -> Study:
    """Return the study of a TOML file. A pair's own TOML file is read for its name alone, so its data may be gone.

    Raises :class:`~mistakes.UserMistake` for a mistake in either file.
    """
    form = read_form(path)
    seeds = str(form.seeds) if isinstance(form.seeds, int) else "".join(f"{seed}," for seed in form.seeds)
    return Study(
        name=form.name,
        about=form.about,
        pairs=tuple(pair_name(pair, path.parent) for pair in form.pairs),
        rows=form.methods,
        seeds=parse_seeds(seeds),
        scale=form.scale,
        extractor=form.extractor,
        outdated=form.outdated,
    )


def pair_name(word: str, folder: Path = Path()) -> str:
    """Return the name of a pair; a word that is a TOML file in ``folder`` stands for the pair in it."""
    return form.read(folder / word).name if word.endswith(toml_form.ENDING) else word
