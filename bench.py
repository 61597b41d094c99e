"""The command line: parses words, calls ``benchmarks``, prints. It has no logic of its own."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmarks.commands import images, recorded
from benchmarks.commands.options import (
    AsJson,
    Bounds,
    Changes,
    Data,
    Device,
    ExtractorName,
    Jobs,
    Methods,
    Pair,
    Plugins,
    Results,
    ScaleName,
    Seeds,
    StudyName,
)
from benchmarks.commands.profile import profile
from mistakes import UserMistake

if TYPE_CHECKING:
    from benchmarks.studies.study import Study

EXAMPLES = """
Examples:

  python bench.py --methods simgan,simgan-nohist

  python bench.py --methods simgan --set adversary.scope=image --seeds 5

  python bench.py --methods "simgan,simgan[history.batches=5]" --pair digits-photos

  python bench.py --pair my-eyes.toml --methods simgan

  python bench.py plan --study simgan-ablation

  python bench.py --study my-study.toml

  python bench.py list methods

  python bench.py preview my-eyes.toml

  python bench.py download svhn-mnist --data DATA

  python bench.py --methods simgan,mine --plugin mine.py

  python bench.py adapt output/runs/ID RENDERED REFINED

  python bench.py fid REFINED REAL --extractor timm:vit_small_patch14_dinov2

  python bench.py tables simgan-ablation

  python bench.py profile --methods simgan,pixelda --device cuda --trace traces

  python bench.py compare results output

  python bench.py report simgan-ablation --out report.html
"""

USAGE_ERROR: Any = typer.BadParameter.__base__  # click's, which typer imports or carries, by version

app = typer.Typer(
    help="Compare domain-adaptation GANs: FID, downstream error and step time over seeds.",
    epilog=EXAMPLES,
    rich_markup_mode="markdown",
    add_completion=False,
    no_args_is_help=False,
)


@app.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    methods: Methods = None,
    pair: Pair = None,
    seeds: Seeds = None,
    scale: ScaleName = None,
    study: StudyName = None,
    changes: Changes = None,
    bounds: Bounds = None,
    extractor: ExtractorName = None,
    device: Device = "auto",
    plugin: Plugins = None,
    results: Results = Path("output"),
    data: Data = None,
    jobs: Jobs = 1,
    retry: Annotated[bool, typer.Option(help="Run failed and diverged runs again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train and score every row that has no record yet, then print the table."""
    if context.invoked_subcommand:
        _refuse_options_before(context)
        return
    from benchmarks.commands.asked import check_jobs, resolve_device
    from benchmarks.engines.matrix import run_matrix
    from benchmarks.records import store
    from benchmarks.studies.plugins import load_plugins
    from benchmarks.studies.study import runs
    from benchmarks.tables.table import tables_of
    from benchmarks.tables.terminal import live_progress, print_tables

    check_jobs(jobs)
    load_plugins(plugin or [])
    chosen = _chosen(context)
    specs = list(runs(chosen, resolve_device(device)))
    if retry:
        store.forget_unfinished([spec.id for spec in specs], results)
    with live_progress() as tell:
        run_matrix(specs, results, data, tell, jobs)
    done = [store.find(spec.id, results) for spec in specs]
    print_tables(tables_of(chosen, done), as_json)
    raise typer.Exit(int(any(record.status != store.OK for record in done)))


@app.command()
def plan(
    context: typer.Context,
    methods: Methods = None,
    pair: Pair = None,
    seeds: Seeds = None,
    scale: ScaleName = None,
    study: StudyName = None,
    changes: Changes = None,
    bounds: Bounds = None,
    extractor: ExtractorName = None,
    device: Device = "auto",
    plugin: Plugins = None,
    results: Results = Path("output"),
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show the runs that the same options would do, and what they may cost; nothing is run."""
    from benchmarks.commands.asked import resolve_device
    from benchmarks.studies.plan import planned, total
    from benchmarks.studies.plugins import load_plugins
    from benchmarks.studies.study import runs
    from benchmarks.tables.terminal import OUT, print_json, show_list
    from datasets.catalogue import PAIRS

    load_plugins(plugin or [])
    chosen = _chosen(context)
    lines = planned(list(runs(chosen, resolve_device(device))), results)
    if as_json:
        print_json([vars(line) for line in lines])
        return
    rows = [(line.id, "recorded" if line.recorded else "to run", line.estimate) for line in lines]
    show_list("Runs", ("id", "state", "seconds"), rows)
    OUT.print(total(lines))
    for pair in chosen.pairs:
        if missing := PAIRS[pair].missing(data):
            OUT.print(f"{pair}: missing under the data root: {', '.join(missing)}", soft_wrap=True)


@app.command("list")
def list_(
    what: Annotated[
        list[str] | None, typer.Argument(help="methods, pairs, scores, extractors, studies, scales.")
    ] = None,
    plugin: Plugins = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List what there is: methods, pairs, scores, extractors, studies and scales."""
    from benchmarks.commands.listing import listings
    from benchmarks.studies.plugins import load_plugins
    from benchmarks.tables.terminal import print_json, show_list

    load_plugins(plugin or [])
    found = listings(what or [], data)
    if as_json:
        print_json(
            {
                name: [dict(zip(part.columns, row, strict=True)) for row in part.rows]
                for name, part in found.items()
            }
        )
        return
    for name, part in found.items():
        show_list(name, part.columns, part.rows)


ON_RECORDS = (recorded.tables, recorded.figures, recorded.report, recorded.compare)
ON_IMAGES = (images.download, images.preview, images.fid, images.adapt)
for command in (profile, *ON_RECORDS, *ON_IMAGES):
    app.command()(command)


@app.command("check-method")
def check_method(
    plugin: Annotated[Path, typer.Argument(help="Python file with methods or pairs of your own.")],
) -> None:
    """Hold a plugin to the contract that every method and pair of this suite is tested with."""
    from benchmarks.studies.plugins import check

    raise typer.Exit(check(plugin))


def _chosen(context: typer.Context) -> "Study":
    """Return the study that the options of a run or plan name."""
    from benchmarks.commands.asked import Selection

    words = {**context.params, "changes": tuple(context.params["changes"] or ())}
    return Selection(**{name: words[name] for name in Selection.__dataclass_fields__}).resolved()


def _refuse_options_before(context: typer.Context) -> None:
    """Refuse options of a run that stand before another command, which would not see them."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            command = context.invoked_subcommand
            raise UserMistake(f"an option for {name!r} stands before {command!r}; allowed: behind it.")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 done, 1 some run failed, 2 bad input, 130 interrupted."""
    try:
        code = app(args=arguments, standalone_mode=False) or 0
    except UserMistake as mistake:
        print(f"error: {mistake}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except USAGE_ERROR as error:
        print(f"error: {error.format_message()}", file=sys.stderr)
        return 2
    if code == 130:  # some versions of typer return it, others raise
        print("interrupted; finished runs are kept", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
