"""Lets the tests run with plugins: ``pytest --plugin my.py`` holds what they offer to the contract too."""

from pathlib import Path

import pytest

from benchmarks.plugins import load_plugins


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--plugin", action="append", default=[], help="file with RECIPES or PAIRS; may repeat")


def pytest_configure(config: pytest.Config) -> None:
    load_plugins(Path(file) for file in config.getoption("--plugin"))
