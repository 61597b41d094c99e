"""Every probe by name. A new probe is one file with a ``PROBE`` and one entry here."""

from pkgutil import resolve_name

from benchmarks.probes.probe import Probe
from mistakes import unknown

PROBES: tuple[str, ...] = (
    "adapter-statistics",
    "critic-rate",
    "forgetting",
    "global-local",
    "gradient-shares",
    "guidance-aims",
)
"""Names of probes, which are those of their modules with hyphens."""


def find_probe(name: str) -> Probe:
    """Return a probe by name; raises :class:`~mistakes.UserMistake` for an unknown name."""
    if name not in PROBES:
        raise unknown("probe", name, PROBES)
    probe: Probe = resolve_name(f"benchmarks.probes.{name.replace('-', '_')}:PROBE")
    return probe
