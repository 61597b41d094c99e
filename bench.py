"""The command line: parses words, calls ``benchmarks``, prints. It has no logic of its own."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmarks.options import (
    AsJson,
    Bounds,
    Changes,
    Data,
    Device,
    ExtractorName,
    Methods,
    Pair,
    Plugins,
    Results,
    ScaleName,
    Seeds,
    Studies,
    StudyName,
)
from mistakes import UserMistake

if TYPE_CHECKING:
    from benchmarks.study import Study

EXAMPLES = """
Examples:

  python bench.py --methods simgan,simgan-nohist

  python bench.py --methods simgan --set adversary.scope=image --seeds 5

  python bench.py --methods "simgan,simgan[history.batches=5]" --pair digits-photos

  python bench.py plan --study simgan-ablation

  python bench.py list methods

  python bench.py download svhn-mnist --data DATA

  python bench.py --methods simgan,mine --plugin mine.py

  python bench.py adapt output/runs/ID RENDERED REFINED

  python bench.py fid REFINED REAL --extractor timm:vit_small_patch14_dinov2

  python bench.py tables simgan-ablation
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
    retry: Annotated[bool, typer.Option(help="Run failed and diverged runs again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train and score every row that has no record yet, then print the table."""
    if context.invoked_subcommand:
        _refuse_options_before(context)
        return
    from benchmarks import records
    from benchmarks.command import resolve_device
    from benchmarks.matrix import run_matrix
    from benchmarks.plugins import load_plugins
    from benchmarks.study import runs
    from benchmarks.tables import tables_of
    from benchmarks.terminal import live_progress

    load_plugins(plugin or [])
    chosen = _chosen(context)
    specs = list(runs(chosen, resolve_device(device)))
    if retry:
        records.forget_unfinished([spec.id for spec in specs], results)
    with live_progress() as tell:
        run_matrix(specs, results, data, tell)
    done = [records.find(spec.id, results) for spec in specs]
    _print_tables(tables_of(chosen, done), as_json)
    raise typer.Exit(int(any(record.status != records.OK for record in done)))


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
    from benchmarks.command import resolve_device
    from benchmarks.plan import planned, total
    from benchmarks.plugins import load_plugins
    from benchmarks.study import runs
    from benchmarks.terminal import OUT, show_list
    from datasets.catalogue import PAIRS

    load_plugins(plugin or [])
    chosen = _chosen(context)
    lines = planned(list(runs(chosen, resolve_device(device))), results)
    if as_json:
        _print_json([vars(line) for line in lines])
        return
    rows = [(line.id, "recorded" if line.recorded else "to run", line.estimate) for line in lines]
    show_list("Runs", ("id", "state", "seconds"), rows)
    OUT.print(total(lines))
    for pair in chosen.pairs:
        if missing := PAIRS[pair].missing(data):
            OUT.print(f"{pair}: missing under the data root: {', '.join(missing)}", soft_wrap=True)


@app.command()
def tables(
    studies: Studies = None,
    results: Results = Path("results"),
    as_json: AsJson = False,
) -> None:
    """Make the tables of studies from records alone: Markdown, CSV and LaTeX in RESULTS/tables."""
    from benchmarks import formats
    from benchmarks.command import recorded_studies
    from benchmarks.tables import tables_of

    made = [
        table
        for study, found in recorded_studies(studies or [], results)
        for table in tables_of(study, found)
    ]
    for table in made:
        formats.write(table, results / "tables")
    _print_tables(made, as_json)


@app.command()
def figures(
    studies: Studies = None,
    results: Results = Path("results"),
    as_json: AsJson = False,
) -> None:
    """Draw the figures of studies from records and their sample grids: PNG files in RESULTS/figures."""
    from benchmarks import plots
    from benchmarks.command import recorded_studies

    written = [
        path
        for study, found in recorded_studies(studies or [], results)
        for path in plots.write(study, found, results)
    ]
    _print_json(list(map(str, written))) if as_json else print(*written, sep="\n")


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
    from benchmarks.listing import listings
    from benchmarks.plugins import load_plugins
    from benchmarks.terminal import show_list

    load_plugins(plugin or [])
    found = listings(what or [], data)
    if as_json:
        _print_json(
            {
                name: [dict(zip(part.columns, row, strict=True)) for row in part.rows]
                for name, part in found.items()
            }
        )
        return
    for name, part in found.items():
        show_list(name, part.columns, part.rows)


@app.command()
def download(
    pair: Annotated[str, typer.Argument(help="Pair of domains; `list pairs`.")],
    data: Data = None,
) -> None:
    """Bring the files of a pair under the data root, where their licence allows it, and check them."""
    if data is None:
        raise UserMistake("no data root is set; allowed: a folder, by --data or BENCH_DATA.")
    from datasets.downloads import download as bring

    bring(pair, data, print)


@app.command()
def fid(
    generated: Annotated[
        Path, typer.Argument(help="Folder of PNG or JPEG images, searched with its subfolders.")
    ],
    real: Annotated[Path, typer.Argument(help="Folder to compare with.")],
    extractor: Annotated[str, typer.Option(help="Features; `list extractors`.")] = "inception",
    device: Device = "auto",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Compare two folders of images: FID, FID∞, KID with its interval, precision, recall, density, coverage."""
    import torch

    from benchmarks.command import resolve_device
    from benchmarks.folders import folder_distances, folder_features
    from benchmarks.scores.extractors import load_extractor
    from benchmarks.terminal import OUT, show_list

    place = torch.device(resolve_device(device))
    network = load_extractor(extractor, place, data)
    one, two = (folder_features(folder, network, place) for folder in (generated, real))
    distances = folder_distances(one.features, two.features)
    counts = {"extractor": network.title, "images": [len(one.features), len(two.features)]}
    broken = [*one.broken, *two.broken]
    if as_json:
        _print_json({**counts, "scores": distances, "broken": broken})
        return
    title = f"{network.title}, n = {len(one.features)} and {len(two.features)}"
    show_list(title, ("score", "value"), [(name, f"{value:.6g}") for name, value in distances.items()])
    for name in broken:
        OUT.print(f"· left out, cannot be read: {name}", soft_wrap=True, markup=False)


@app.command()
def adapt(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run, RESULTS/runs/ID.")],
    source: Annotated[Path, typer.Argument(help="Folder of PNG or JPEG images to adapt.")],
    out: Annotated[Path, typer.Argument(help="New folder for the adapted images.")],
    seed: Annotated[int, typer.Option(help="Seed of the noise, for adapters that draw.")] = 0,
    device: Device = "auto",
) -> None:
    """Carry images of your own into the target's look with the adapter of a run; PNG files under the same names."""
    import torch

    from benchmarks.adapting import adapt_folder, unpack
    from benchmarks.command import resolve_device

    place = torch.device(resolve_device(device))
    count = adapt_folder(unpack(run, place), source, out, seed, place)
    print(f"{count} images adapted into {out}")


@app.command("check-method")
def check_method(
    plugin: Annotated[Path, typer.Argument(help="Python file with methods or pairs of your own.")],
) -> None:
    """Hold a plugin to the contract that every method and pair of this suite is tested with."""
    from benchmarks.plugins import check

    raise typer.Exit(check(plugin))


def _chosen(context: typer.Context) -> "Study":
    """Return the study that the options of a run or plan name."""
    from benchmarks.command import Selection

    words = {**context.params, "changes": tuple(context.params["changes"] or ())}
    return Selection(**{name: words[name] for name in Selection.__dataclass_fields__}).resolved()


def _refuse_options_before(context: typer.Context) -> None:
    """Refuse options of a run that stand before another command, which would not see them."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            command = context.invoked_subcommand
            raise UserMistake(f"an option for {name!r} stands before {command!r}; allowed: behind it.")


def _print_tables(made: list[Any], as_json: bool) -> None:
    from benchmarks.terminal import show_table

    if as_json:
        _print_json(
            [
                {
                    "name": table.name,
                    "about": table.about,
                    "rows": json.loads(table.frame.to_json(orient="records")),
                    "notes": table.notes,
                }
                for table in made
            ]
        )
        return
    for table in made:
        show_table(table)


def _print_json(content: object) -> None:
    print(json.dumps(content, indent=1, ensure_ascii=False))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 done, 1 some run failed, 2 bad input, 130 interrupted."""
    try:
        return app(args=arguments, standalone_mode=False) or 0
    except UserMistake as mistake:
        print(f"error: {mistake}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, typer.Abort):
        print("interrupted; finished runs are kept", file=sys.stderr)
        return 130
    except USAGE_ERROR as error:
        print(f"error: {error.format_message()}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
