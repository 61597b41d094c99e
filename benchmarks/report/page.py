"""The whole report: its contents, the tables of every study, and how the numbers were made."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from benchmarks.records.record import OK, RunRecord
from benchmarks.report.differences import scores_in
from benchmarks.report.sections import section
from benchmarks.studies.published import STUDIES
from benchmarks.studies.study import Study
from benchmarks.tables.markup import document
from benchmarks.tables.table import Table, tables_of

Found = tuple[Study, list[RunRecord]]

INTERVALS = (
    "A number of a table is a mean over seeds, and ± the half-width of its 95 % interval by Student’s t over the n "
    "finished runs, t(0.975, n − 1) · s / √n. A single seed has no interval.",
    "A difference of two rows is taken seed by seed; its interval is that of the differences. Rows of one algorithm share "
    "the order of the data and, as far as their networks are the same, initial weights, but training forgets these soon: "
    "differences hardly vary less than those of unrelated runs. An interval that includes 0 does not tell the rows "
    "apart. Intervals are not widened for the number of comparisons: of twenty between equal rows, one is expected to "
    "exclude 0.",
    "From six seeds on, differences also have a bias-corrected accelerated bootstrap interval (BCa), which is too short for "
    "so few, and the p-value of an exact sign-flip test, corrected over the table’s rows (Holm). P(better) is the chance "
    "that a run of the row beats a run of the baseline, whatever their seeds. A score is bold if all runs of the row are done and "
    "its interval is better than that of every other trained row and of source-only, and overlaps none of them.",
    "Runs that failed or diverged stand in no mean; the notes say why. A row’s name leads to its runs, and they hold "
    "the values that its means are taken of.",
)


def page(found: Sequence[Found], results: Path, pool: bool = False) -> str:
    """Return the report of studies with their records as one HTML document; pictures are read from ``results``.

    ``pool`` takes scores of several machines together.

    The same records and pictures give the same text. Raises :class:`UserMistake` as ``tables_of`` does.
    """
    ordered = [(study, sorted(records, key=lambda record: record.id)) for study, records in found]
    tables = [(study, tables_of(study, records, pool)) for study, records in ordered]
    body = "\n".join(
        [
            '<a class="skip" href="#content">To the tables</a>',
            _header(found, tables),
            '<main id="content">',
            *(_study(number, study, made, results) for number, (study, made) in enumerate(tables, 1)),
            _methods(found),
            "</main>",
        ]
    )
    return document(
        f"Benchmark report: {_names(found)}",
        body,
        Path(__file__).with_name("report.js").read_text(encoding="utf-8"),
    )


def _names(found: Sequence[Found]) -> str:
    return ", ".join(study.name for study, _ in found)


def _header(found: Sequence[Found], tables: Sequence[tuple[Study, list[Table]]]) -> str:
    items = []
    for number, (study, made) in enumerate(tables, 1):
        names = [escape(table.name.removeprefix(f"{study.name}--")) for table in made]
        links = "".join(
            f'<li><a href="#study-{number}-{place}">{name}</a></li>' for place, name in enumerate(names, 1)
        )
        items.append(f'<li><a href="#study-{number}">{escape(study.heading)}</a><ul>{links}</ul></li>')
    return (
        f"<header>\n<h1>Benchmark report</h1>\n<p>{escape(_names(found))}</p>\n<p>{escape(_extent(found))}</p>\n"
        f'<nav aria-label="Contents"><ul>{"".join(items)}<li><a href="#methods">Methods</a></li></ul></nav>\n</header>'
    )


def _extent(found: Sequence[Found]) -> str:
    """Say how many runs there are, how they ended, and when they were recorded."""
    runs = {record.id: record for _, records in found for record in records}.values()
    ends = [record.status for record in runs]
    dates = sorted({record.created[:10] for record in runs if record.created})
    span = f"; recorded {' to '.join(dict.fromkeys((dates[0], dates[-1])))}" if dates else ""
    counts = ", ".join(f"{ends.count(end)} {end}" for end in dict.fromkeys([OK, *sorted(ends)]))
    return f"{len(ends)} runs: {counts}{span}."


def _study(number: int, study: Study, made: Sequence[Table], results: Path) -> str:
    name = f"study-{number}"
    parts = [section(table, study, results, f"{name}-{place}") for place, table in enumerate(made, 1)]
    body = "\n".join(parts)
    return f'<section id="{name}">\n<h2>{escape(study.heading)}</h2>\n{body}\n</section>'


def _methods(found: Sequence[Found]) -> str:
    tasks: dict[str, list[RunRecord]] = {}
    for record in (record for _, records in found for record in records):
        tasks.setdefault(str(record.task), []).append(record)
    known = dict.fromkeys(score for mine in tasks.values() for score in scores_in(mine).values())
    scores = "\n".join(
        f"<dt>{escape(score.short)}</dt><dd>{escape(score.about)}; "
        f"{'no way' if score.better == 'neither' else score.better} is better</dd>"
        for score in known
    )
    intervals = "\n".join(f"<p>{escape(text)}</p>" for text in INTERVALS)
    return (
        f'<section id="methods">\n<h2>Methods</h2>\n<h3>Intervals</h3>\n{intervals}\n<h3>Scores</h3>\n<dl>\n{scores}\n</dl>\n'
        f"<h3>Make it again</h3>\n<pre>{escape(_commands(found))}</pre>\n</section>"
    )


def _commands(found: Sequence[Found]) -> str:
    published = [study.name for study, _ in found if study.name in STUDIES]
    lines = [f"python bench.py {' '.join(['report', *published])} --results RESULTS"]
    lines += [f"python bench.py --study {name} --results RESULTS --data DATA" for name in published]
    return "\n".join(lines)
