"""Lets the tests run with plugins: ``pytest --plugin my.py`` holds what they offer to the contract too."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.studies.plugins import LOADED, Sources
from datasets.catalogue import PAIRS
from methods.recipes import RECIPES


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--plugin", action="append", default=[], help="file with RECIPES or PAIRS; may repeat")


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep features of the tests out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def names_as_before() -> Iterator[None]:
    """Forget the methods and pairs that a test adds."""
    kept = [(known, dict(known)) for known in (RECIPES, PAIRS, LOADED)]
    yield
    for known, before in kept:
        known.clear()
        known.update(before)


def pytest_configure(config: pytest.Config) -> None:
    # Parallel workers share the cores; torch reads the number of threads as it loads.
    if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
        threads = max(1, (os.cpu_count() or 1) // int(workers))
        os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    Sources(plugins=tuple(map(Path, config.getoption("--plugin")))).open()
