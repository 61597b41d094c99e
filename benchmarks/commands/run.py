"""The main command, which has no name: it trains and scores rows, and shows them as a table."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.commands.asked import Asked, asks
from benchmarks.commands.options import (
    AsJson,
    Data,
    Device,
    EngineName,
    Jobs,
    Plugins,
    Pool,
    Reproducible,
    Results,
)
from mistakes import UserMistake


@asks
def run(
    context: typer.Context,
    asked: Asked,
    device: Device = "auto",
    plugin: Plugins = None,
    results: Results = Path("output"),
    data: Data = None,
    engine: EngineName = "local",
    jobs: Jobs = 1,
    retry: Annotated[bool, typer.Option(help="Run failed and diverged runs again.")] = False,
    reproducible: Reproducible = False,
    pool: Pool = False,
    as_json: AsJson = False,
) -> None:
    """Train and score every row that has no record yet, then print the table."""
    if context.invoked_subcommand:
        _refuse_options_before(context)
        return
    from benchmarks.engines.contract import make_engine
    from benchmarks.engines.matrix import run_matrix
    from benchmarks.engines.progress import ERR, live_progress
    from benchmarks.engines.resources import check_jobs, resolve_device
    from benchmarks.records import store
    from benchmarks.records.record import OK
    from benchmarks.running.reproducible import prepare
    from benchmarks.studies.plan import OTHER_CODE, stale
    from benchmarks.studies.runs import runs
    from benchmarks.tables.recorded import recorded_runs
    from benchmarks.tables.table import tables_of
    from benchmarks.tables.terminal import print_tables

    if reproducible:
        prepare()
    check_jobs(jobs)
    placed = make_engine(engine, jobs, data)
    study, sources = asked.resolved(), asked.sources(plugin)
    sources.open()
    specs = list(runs(study, resolve_device(device), reproducible))
    if retry:
        store.forget_unfinished([spec.id for spec in specs], results)
    if old := stale(specs, results):
        ERR.print(f"{len(old)} of {len(specs)} runs are done again: {OTHER_CODE}.", soft_wrap=True)
    with live_progress() as tell:
        run_matrix(specs, results, placed, sources, tell)
    done = recorded_runs([spec.id for spec in specs], results)
    print_tables(tables_of(study, done, pool), as_json)
    raise typer.Exit(int(any(record.status != OK for record in done)))


def _refuse_options_before(context: typer.Context) -> None:
    """Raise :class:`UserMistake` for options of a run before another command: that command would not see them."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            command = context.invoked_subcommand
            raise UserMistake(f"an option for {name!r} stands before {command!r}; allowed: after it.")
