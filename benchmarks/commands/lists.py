"""The command that lists methods, pairs, scores, extractors, studies, scales and settings."""

from typing import Annotated

import typer

from benchmarks.commands.options import AsJson, Data, Plugins


def lists(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            help="methods, pairs, scores, extractors, studies, scales, settings; without a name, all but settings."
        ),
    ] = None,
    plugin: Plugins = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List what there is: methods, pairs, scores, extractors, studies and scales; and every setting of every method."""
    from benchmarks.commands.listing import listings
    from benchmarks.studies.plugins import Sources
    from benchmarks.tables.terminal import print_json, show_grid

    Sources(plugins=tuple(plugin or ())).open()
    found = listings(what or [], data)
    if as_json:
        print_json(
            {
                name: [dict(zip(part.columns, row, strict=True)) for row in part.cells]
                for name, part in found.items()
            }
        )
        return
    for part in found.values():
        show_grid(part, numbers=False)
