"""The command line: its commands, and the exit codes that they end with."""

import sys
from typing import Any

import typer

from benchmarks.commands.adapt import adapt
from benchmarks.commands.check_method import check_method
from benchmarks.commands.compare import compare
from benchmarks.commands.download import download
from benchmarks.commands.fid import fid
from benchmarks.commands.figures import figures
from benchmarks.commands.lists import lists
from benchmarks.commands.migrate import migrate
from benchmarks.commands.plan import plan
from benchmarks.commands.preview import preview
from benchmarks.commands.profile import profile
from benchmarks.commands.report import report
from benchmarks.commands.run import run
from benchmarks.commands.tables import tables
from mistakes import UserMistake

EXAMPLES = """
Examples:

  python bench.py --methods simgan,simgan-nohist

  python bench.py --methods simgan --set critic.verdict=image --seeds 5

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

USAGE_ERROR: Any = typer.BadParameter.__base__  # click's class: some versions of typer contain click

app = typer.Typer(
    help="Compare domain-adaptation GANs: FID, downstream error and step time over seeds.",
    epilog=EXAMPLES,
    rich_markup_mode="markdown",
    no_args_is_help=False,
)
app.callback(invoke_without_command=True)(run)
app.command()(plan)
app.command("list")(lists)
for command in (profile, tables, figures, report, compare, download, preview, fid, adapt, migrate):
    app.command()(command)
app.command("check-method")(check_method)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 if all is done, 1 if a run failed, 2 for bad input, 130 if interrupted."""
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
    if code == 130:  # some versions of typer return this code, others raise Abort
        print("interrupted; finished runs are kept", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
