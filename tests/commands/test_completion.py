"""A shell that asks what may follow gets commands and options, without torch being loaded."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = "import sys; sys.argv = ['bench']; import bench; code = bench.main(); sys.exit(9 if 'torch' in sys.modules else code)"


def ask(**asked: str) -> subprocess.CompletedProcess[str]:
    """Start ``bench`` as a shell does that completes a line."""
    return subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=ROOT,
        env=os.environ | asked,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [("bench ta", ["tables"]), ("bench tables --re", ["--results"]), ("bench --meth", ["--methods"])],
)
def test_commands_and_options_complete(line: str, expected: list[str]) -> None:
    place = str(len(line.split()) - 1)
    done = ask(_BENCH_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=place)
    assert (done.returncode, done.stdout.split()) == (0, expected), done.stderr


def test_the_script_for_a_shell_is_printed() -> None:
    done = ask(_BENCH_COMPLETE="source_bash")
    assert "complete -o default -F _bench_completion bench" in done.stdout


def test_the_package_installs_the_command_that_completes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"bench": "bench:main"}
