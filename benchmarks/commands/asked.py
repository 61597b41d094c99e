"""From the words of a command line to studies, devices and tables."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.records import store
from benchmarks.records.selection import CRITERIA, completed
from benchmarks.records.store import RunRecord
from benchmarks.studies.published import STUDIES, find_study
from benchmarks.studies.study import Study, parse_seeds
from benchmarks.studies.study_file import read_form
from benchmarks.tables.table import records_of, studies_in
from datasets.files.toml_form import ENDING
from mistakes import UserMistake

DEFAULTS = {"methods": "simgan,simgan-nohist", "pair": "fonts-digits", "seeds": "3", "scale": "small"}


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What to run, in the user's words: a study by name or file, or what a study is made of; ``None`` is unsaid."""

    study: str | None = None
    methods: str | None = None
    pair: str | None = None
    seeds: str | None = None
    scale: str | None = None
    changes: tuple[str, ...] = ()
    bounds: bool | None = None
    extractor: str | None = None

    def resolved(self) -> Study:
        """Return the named study, or one made of the other words; a user's own plugins and pairs in it are there then.

        Raises :class:`UserMistake` where a study is named and something else is said too.
        """
        if self.study is not None:
            unsaid = vars(Selection(study=self.study))
            said = [name for name, word in vars(self).items() if word != unsaid[name]]
            if said:
                raise UserMistake(
                    f"--study {self.study} comes with its own {', '.join(said)}; allowed: --study without them."
                )
            study = find_study(self.study)
            if self.study.endswith(ENDING):
                _bring(Path(self.study))
            return study
        return Study(
            name="comparison",
            about="the rows asked for",
            pairs=(named_pair(self.pair or DEFAULTS["pair"]),),
            rows=tuple(self._rows()),
            seeds=parse_seeds(self.seeds or DEFAULTS["seeds"]),
            scale=self.scale or DEFAULTS["scale"],
            extractor=self.extractor,
        )

    def _rows(self) -> list[str]:
        from methods.recipes import BOUNDS  # imported here: it loads torch

        named = split_rows(DEFAULTS["methods"] if self.methods is None else self.methods)
        trained = [with_changes(row, self.changes) for row in named if row not in BOUNDS]
        lower, upper = ([bound] if self.bounds is not False or bound in named else [] for bound in BOUNDS)
        return [*lower, *trained, *upper]


def named_pair(word: str, folder: Path = Path()) -> str:
    """Return the name of a pair; where the word is a TOML file in ``folder``, its pair joins the catalogue first."""
    if not word.endswith(ENDING):
        return word
    from datasets.own.pair import register  # imported here: it loads torch

    return register(folder / word)


def _bring(study: Path) -> None:
    """Load the plugins of a study's file and let its pairs join the catalogue."""
    from benchmarks.studies.plugins import load_plugins  # imported here: it loads torch

    form = read_form(study)
    load_plugins(study.parent / plugin for plugin in form.plugins)
    for pair in form.pairs:
        named_pair(pair, study.parent)


def split_rows(text: str) -> list[str]:
    """Split NAME,NAME[path=value;path=value] at the commas outside brackets."""
    rows, depth = [""], 0
    for sign in text:
        depth += (sign == "[") - (sign == "]")
        if sign == "," and depth == 0:
            rows.append("")
        else:
            rows[-1] += sign
    rows = [row.strip() for row in rows if row.strip()]
    if not rows:
        raise UserMistake("--methods is empty; allowed: names of methods, comma-separated.")
    return rows


def with_changes(row: str, changes: Sequence[str]) -> str:
    """Return the row's name with more changes behind those it has."""
    if not changes:
        return row
    return f"{row.removesuffix(']')}{';' if row.endswith(']') else '['}{';'.join(changes)}]"


def resolve_device(name: str) -> str:
    """Return "cpu" or "cuda"; "auto" takes CUDA where there is one."""
    if name not in ("auto", "cpu", "cuda"):
        raise UserMistake(f"device {name!r}; allowed: auto, cpu, cuda.")
    if name == "cpu":
        return name
    import torch  # imported here: it takes seconds

    if torch.cuda.is_available():
        return "cuda"
    if name == "cuda":
        raise UserMistake("device 'cuda' is not available on this machine; allowed: auto, cpu.")
    return "cpu"


def check_jobs(jobs: int) -> None:
    """Refuse a number of runs at a time that has no core for each: with a GPU too, every run keeps one busy."""
    if not 1 <= jobs <= cores():
        raise UserMistake(f"jobs {jobs}; allowed: 1 to {cores()}, a core for each.")


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def recorded_studies(
    names: list[str], results: Path, curves: bool = True
) -> list[tuple[Study, list[RunRecord]]]:
    """Return the named studies with their records, these with curves or without.

    Without names: every published study of which each row has records on each pair, or else one for each pair and
    scale that is recorded.
    Raises :class:`UserMistake` for an unknown name, and where there is no record at all.
    """
    everything = [_with_criteria(one, results) for one in store.read_all(results, curves)]
    studies = [find_study(name) for name in names] or _whole(everything)
    found = [(study, mine) for study in studies if (mine := records_of(study, everything))]
    if not found and not names:
        found = [(study, records_of(study, everything)) for study in studies_in(everything)]
    if not found:
        raise UserMistake(
            f"folder {str(results)!r} has no record of {', '.join(names) or 'any run'}; "
            "allowed: a folder that `bench.py --results` wrote to."
        )
    return found


def _whole(everything: list[RunRecord]) -> list[Study]:
    """Return the published studies of which each row has records on each pair."""
    there = {(record.spec["pair"], record.spec["row"], record.spec["scale"]) for record in everything}
    return [
        study
        for study in STUDIES.values()
        if there.issuperset((pair, row, study.scale) for pair in study.pairs for row in study.rows)
    ]


def _with_criteria(record: RunRecord, results: Path) -> RunRecord:
    """Return a record whose checkpoints have every criterion that its stored predictions allow."""
    if all(CRITERIA.keys() <= one.keys() for one in record.checkpoints):
        return record
    predictions = results / "runs" / record.id / store.PREDICTIONS
    return replace(record, checkpoints=completed(record.checkpoints, predictions))
