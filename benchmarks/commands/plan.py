"""The command that shows the runs of a study and their estimated time."""

from pathlib import Path

from benchmarks.commands.asked import Asked, asks
from benchmarks.commands.options import AsJson, Data, Device, Plugins, Reproducible, Results


@asks
def plan(
    asked: Asked,
    device: Device = "auto",
    plugin: Plugins = None,
    results: Results = Path("output"),
    data: Data = None,
    reproducible: Reproducible = False,
    as_json: AsJson = False,
) -> None:
    """Show the runs of these options and their estimated time; nothing is run."""
    from benchmarks.engines.resources import resolve_device
    from benchmarks.studies.plan import planned, total
    from benchmarks.studies.runs import runs
    from benchmarks.tables.cells import Grid
    from benchmarks.tables.terminal import OUT, print_json, show_grid
    from datasets.catalogue import PAIRS

    study = asked.resolved()
    asked.sources(plugin).open()
    lines = planned(list(runs(study, resolve_device(device), reproducible)), results)
    if as_json:
        print_json([vars(line) for line in lines])
        return
    cells = tuple((line.id, line.state, line.estimate) for line in lines)
    show_grid(Grid(heading="Runs", columns=("id", "state", "seconds"), cells=cells), numbers=False)
    OUT.print(total(lines))
    for pair in study.pairs:
        if missing := PAIRS[pair].missing(data):
            OUT.print(f"{pair}: missing under the data root: {', '.join(missing)}", soft_wrap=True)
