"""Which records may stand in one table: those of one protocol, one code and, unless they are pooled, one machine.

Everything comes from the records. Records from before code was recorded count as one code of their own. Needs no torch.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.records.record import RunRecord
from benchmarks.studies.study import Study

Place = tuple[Hashable, ...]
Code = tuple[tuple[str, str], ...]
Key = int | tuple[int, int]
"""A run of a row: its seed, or its seed and the number of its machine where records of several machines are pooled."""


@dataclass(frozen=True, kw_only=True)
class Comparable:
    """The records of one table, its name, and notes on what was left out of it and why there are others."""

    name: str
    records: list[RunRecord]
    notes: tuple[str, ...]


def records_of(study: Study, records: Iterable[RunRecord]) -> list[RunRecord]:
    """Return the records that belong to a study, sorted by pair in the study's order."""
    seeds = set(study.seeds)
    mine = [
        record
        for record in records
        if record.pair in study.pairs
        and record.row in study.rows
        and record.seed in seeds
        and record.scale == study.scale
        and study.extractor in (None, record.spec["extractor"])
    ]
    return sorted(mine, key=lambda record: study.pairs.index(record.pair))


def comparisons(study: Study, records: Iterable[RunRecord], pool: bool = False) -> list[Comparable]:
    """Return the tables of a study. Every row of a table has records of one code, the newest.

    Records are in one table if they have equal pair, extractor, steps of the task model, code of harness and pair, device
    and host. ``pool`` lets device and host differ; records of several machines then lose their costs.
    """

    def place(record: RunRecord) -> Place:
        where = () if pool else machine(record)
        return (record.pair, record.spec["extractor"], record.spec["budget"]["task_steps"], *where)

    everything = records_of(study, records)
    kept = newest(everything, lambda record: (*place(record), record.row))
    present = set(map(id, kept))
    left_out = [record for record in everything if id(record) not in present]
    groups: dict[Place, list[RunRecord]] = {}
    for record in kept:
        groups.setdefault((*place(record), *_shared_code(record)), []).append(record)
    names = [f"{study.name}--{group[0].pair}" for group in groups.values()]
    found = []
    for number, (name, group) in enumerate(zip(names, groups.values(), strict=True), 1):
        alike = [other for other in groups.values() if other[0].pair == group[0].pair]
        old = [record for record in left_out if place(record) == place(group[0])]
        notes = [*_stale(group, old), *_apart([other[0] for other in alike]), *mixed(group)]
        unique = name if names.count(name) == 1 else f"{name}--{number}"
        found.append(Comparable(name=unique, records=_without_costs(group), notes=tuple(notes)))
    return found


def newest(records: Sequence[RunRecord], key: Callable[[RunRecord], Hashable]) -> list[RunRecord]:
    """Return the records of the newest code among those of equal ``key``; the latest record of a code tells its age."""
    latest: dict[Hashable, tuple[str, Code]] = {}
    for record in records:
        mine = key(record)
        latest[mine] = max(latest.get(mine, ("", ())), (record.created, _code(record)))
    return [record for record in records if latest[key(record)][1] == _code(record)]


def machine(record: RunRecord) -> Place:
    """Return what tells the machine of a run from others: its device, and all that its host says."""
    return record.spec["device"], *sorted(record.host.items())


def machines(records: Iterable[RunRecord]) -> dict[Place, int]:
    """Return the number of each machine among these records, counted from 0 in their order."""
    return {one: number for number, one in enumerate(dict.fromkeys(map(machine, records)))}


def keyed(records: Iterable[RunRecord]) -> list[tuple[Key, RunRecord]]:
    """Return the records of one table with their keys, sorted by seed. Equal keys of two rows may be paired."""
    ordered = sorted(records, key=lambda record: record.seed)
    numbers = machines(ordered)
    if len(numbers) < 2:
        return [(record.seed, record) for record in ordered]
    return [((record.seed, numbers[machine(record)]), record) for record in ordered]


def machines_said(records: Sequence[RunRecord]) -> str:
    """Return the machines of the records of one table in words, and how scores of several are taken together."""
    one_each = {machine(record): record for record in records}
    said = [_machine_said(record) for record in one_each.values()]
    if len(said) == 1:
        return said[0]
    return f"{len(said)} machines pooled, differences taken within a machine: {'; '.join(said)}"


def _machine_said(record: RunRecord) -> str:
    host = record.host
    known = [
        f"{host.get('threads')} threads",
        host.get("instructions"),
        host.get("torch") and f"torch {host['torch']}",
    ]
    exact = "reproducible" if record.spec.get("reproducible") else None
    words = ", ".join(str(word) for word in (*known, exact) if word)
    return f"{host.get('device')} ({words}{shared_machine(record)})"


def shared_machine(record: RunRecord) -> str:
    """Return words for a heading: how many runs shared the machine, which changes step times; blank for one at a time."""
    return f", {record.host['jobs']} runs at a time" if "jobs" in record.host else ""


def _code(record: RunRecord) -> Code:
    return tuple(sorted(record.spec.get("code", {}).items()))


def _shared_code(record: RunRecord) -> Code:
    """Return the code that all rows of a table share: all but the method's."""
    return tuple(part for part in _code(record) if part[0] != "method")


def _without_costs(records: list[RunRecord]) -> list[RunRecord]:
    """Return records of several machines without their times and memory, which only one machine's records may share."""
    if len(machines(records)) == 1:
        return records
    return [replace(record, step_ms={}, seconds={}, peak_mib=None) for record in records]


def _stale(group: Sequence[RunRecord], old: Sequence[RunRecord]) -> Iterator[str]:
    """Yield a note on the older records of a table's rows."""
    rows = dict.fromkeys(record.row for record in group)
    if mine := [record for record in old if record.row in rows]:
        named = ", ".join(dict.fromkeys(record.row for record in mine))
        yield f"left out: {len(mine)} older runs of other code ({named})"


def _apart(firsts: Sequence[RunRecord]) -> Iterator[str]:
    """Yield a note on what tells the tables of one pair apart, given the first record of each."""
    if len(firsts) < 2:
        return
    hosts = [{"device kind": one.spec["device"], **one.host} for one in firsts]
    codes = [{f"code of {name}": code for name, code in _shared_code(one)} for one in firsts]
    apart = [*_differing(hosts), *_differing(codes)]
    pooled = "; --pool takes scores of machines together" if _differing(hosts) else ""
    yield f"one of {len(firsts)} tables, since runs differ in {'; '.join(apart) or 'their protocol'}{pooled}"


def _differing(sides: Sequence[Mapping[str, object]]) -> list[str]:
    """Return "NAME (VALUE, VALUE)" for every name whose values are not all equal."""
    found = []
    for name in dict.fromkeys(name for side in sides for name in side):
        values = dict.fromkeys(str(side.get(name, "not recorded")) for side in sides)
        if len(values) > 1:
            found.append(f"{name} ({', '.join(values)})")
    return found


def mixed(records: Sequence[RunRecord]) -> Iterator[str]:
    """Yield a note for every version, commit or code of a class of methods that differs between the runs of one table."""
    values: dict[str, dict[str, list[RunRecord]]] = {}
    for record in records:
        plain = {name: one for name, one in record.versions.items() if not name.startswith("plugin ")}
        method = record.spec["settings"].get("method")
        code = {f"code of {method}": record.spec["code"]["method"]} if "code" in record.spec else {}
        for name, value in {"commit": record.commit, **plain, **code}.items():
            if value:
                values.setdefault(name, {}).setdefault(value, []).append(record)
    for name, found in values.items():
        if len(found) > 1:
            said = "; ".join(f"{value} ({_whose(mine, records)})" for value, mine in sorted(found.items()))
            yield f"runs differ in {name}: {said}"


def _whose(mine: Sequence[RunRecord], everything: Sequence[RunRecord]) -> str:
    """Return the rows of these records, with the seeds of the rows of which they are a part."""
    seeds: dict[str, list[int]] = {}
    for record in mine:
        seeds.setdefault(record.row, []).append(record.seed)
    whole = {row: sum(record.row == row for record in everything) for row in seeds}
    return ", ".join(
        row if len(of_row) == whole[row] else f"{row} {', '.join(map(str, sorted(of_row)))}"
        for row, of_row in seeds.items()
    )
