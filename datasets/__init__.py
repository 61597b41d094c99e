"""Pairs of domains: what they promise, which there are, and who may see their labels.

Imports ``datasets.tasks`` and ``datasets.files``; it knows no method. ``catalogue`` loads no torch, the rest does.
"""

from importlib import import_module
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    """Return the module ``datasets.sets.uci_digits`` for its former name: earlier plug-ins say ``from datasets import digits``."""
    if name == "digits":
        return import_module("datasets.sets.uci_digits")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
