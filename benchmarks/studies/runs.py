"""A study → its runs."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import product

from benchmarks.scores.catalogue import check_extractor
from benchmarks.studies.code import code_of
from benchmarks.studies.scales import find_scale
from benchmarks.studies.study import RunSpec, Study
from datasets.catalogue import find_entry
from methods.recipes import configure
from mistakes import UserMistake


def runs(study: Study, device: str, reproducible: bool = False) -> Iterator[RunSpec]:
    """Yield the runs of a study by the code of this checkout, pair by pair, all rows of one seed before the next seed.

    Raises :class:`UserMistake` for an unknown name or setting, and for rows with equal settings.
    """
    scale = {name: value for name, value in asdict(find_scale(study.scale)).items() if name != "about"}
    configs = {row: configure(row, study.scale) for row in study.rows}
    _refuse_equal_rows(configs)
    entries = {pair: find_entry(pair) for pair in study.pairs}
    for entry in entries.values():
        check_extractor(study.extractor or entry.extractor)
    for pair, entry in entries.items():
        codes = {row: code_of(config, entry) for row, config in configs.items()}
        for seed, (row, config) in product(study.seeds, configs.items()):
            yield RunSpec(
                pair=pair,
                row=row,
                scale=study.scale,
                seed=seed,
                extractor=study.extractor or entry.extractor,
                device=device,
                settings=config.settings,
                budget={
                    **scale,
                    **entry.budgets.get(study.scale, {}),
                    **config.BUDGETS.get(study.scale, {}),
                },
                edition=entry.edition,
                code=codes[row],
                reproducible=reproducible,
            )


def _refuse_equal_rows(configs: Mapping[str, object]) -> None:
    first: dict[object, str] = {}
    for row, config in configs.items():
        other = first.setdefault(config, row)
        if other != row:
            raise UserMistake(f"methods {other!r} and {row!r} have the same settings; allowed: each once.")
