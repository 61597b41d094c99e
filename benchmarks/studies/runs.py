"""A study → its runs."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import product
from typing import TYPE_CHECKING

from benchmarks.scores.catalogue import check_extractor
from benchmarks.studies.code import code_of
from benchmarks.studies.scales import find_scale
from benchmarks.studies.study import RunSpec, Study
from datasets.catalogue import Entry, find_entry
from methods.recipes import configure
from mistakes import UserMistake

if TYPE_CHECKING:  # studies are listed without torch
    from methods.contract import Config


def runs(study: Study, device: str, reproducible: bool = False) -> Iterator[RunSpec]:
    """Yield the runs of a study by the code of this checkout, pair by pair, all rows of one seed before the next seed.

    Raises :class:`UserMistake` for an unknown name or setting, and for rows with equal settings.
    """
    configs = {pair: {row: configure(row, study.scale, pair) for row in study.rows} for pair in study.pairs}
    for of_pair in configs.values():
        _refuse_equal_rows(of_pair)
    entries = {pair: find_entry(pair) for pair in study.pairs}
    for entry in entries.values():
        check_extractor(study.extractor or entry.extractor)
    for pair, entry in entries.items():
        codes = {row: code_of(config, entry) for row, config in configs[pair].items()}
        for seed, (row, config) in product(study.seeds, configs[pair].items()):
            yield RunSpec(
                pair=pair,
                row=row,
                scale=study.scale,
                seed=seed,
                extractor=study.extractor or entry.extractor,
                device=device,
                settings=config.settings,
                budget=budget_of(config, study.scale, entry),
                edition=entry.edition,
                code=codes[row],
                reproducible=reproducible,
            )


def budget_of(config: "Config", scale: str, entry: Entry | None = None) -> dict[str, str | int]:
    """Return the budget of a row at a scale: the scale's numbers, then the pair's own if given, then the algorithm's own."""
    numbers = {name: value for name, value in asdict(find_scale(scale)).items() if name != "about"}
    of_pair = entry.budgets.get(scale, {}) if entry else {}
    return {**numbers, **of_pair, **config.BUDGETS.get(scale, {})}


def _refuse_equal_rows(configs: Mapping[str, object]) -> None:
    first: dict[object, str] = {}
    for row, config in configs.items():
        other = first.setdefault(config, row)
        if other != row:
            raise UserMistake(f"methods {other!r} and {row!r} have the same settings; allowed: each once.")
