"""Tables from 10,000 records, and whole commands from start to exit.

    python -m pytest benchmarks/speed/test_tables.py --benchmark-columns=min,median,iqr,rounds

Records are written once, below pytest's folder, and read from the system's cache.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.records import store
from benchmarks.speed.many_records import write_many
from benchmarks.studies.published import find_study
from benchmarks.tables.table import tables_of

BENCH = Path(__file__).parents[2] / "bench.py"
SEEDS = 1000  # for each of ten rows


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a study; 10,000 records lie beside it."""
    return write_many(tmp_path_factory.mktemp("many"), SEEDS)


def test_tables_of_many_records(benchmark: Any, many: Path) -> None:
    """Time reading 10,000 records and making their tables in this process."""
    study = find_study(str(many))

    def read_and_make() -> None:
        found = store.read_all(many.parent, curves=False)
        assert len(found) == benchmark.extra_info["records"]
        tables_of(study, found)

    benchmark.extra_info["records"] = len(study.rows) * SEEDS
    benchmark.pedantic(read_and_make, rounds=3, warmup_rounds=1)


@pytest.mark.parametrize("words", [["--help"], ["list"]], ids=" ".join)
def test_command(benchmark: Any, words: list[str]) -> None:
    """Time a command that reads no record."""
    benchmark.extra_info["records"] = 0
    benchmark.pedantic(_run, (words,), rounds=5, warmup_rounds=1)


def test_tables_command(benchmark: Any, many: Path) -> None:
    """Time the command that writes and prints the tables of 10,000 records."""
    benchmark.extra_info["records"] = 10 * SEEDS
    words = ["tables", str(many), "--results", str(many.parent)]
    benchmark.pedantic(_run, (words,), rounds=3, warmup_rounds=1)


def _run(words: list[str]) -> None:
    subprocess.run([sys.executable, str(BENCH), *words], check=True, stdout=subprocess.DEVNULL)
