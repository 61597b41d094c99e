"""HTML in small pieces: tables, boxes that scroll, data for a script, and a document that loads nothing."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

# the beginning of a cell, bold or not, that is neither number nor blank
WORD = re.compile(r"(<\w+>)?(?![-+]?\d|–)\S")


def table(
    caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]], ids: Sequence[str] | None = None
) -> str:
    """Return a table whose first column heads its rows, in a box of its own that scrolls.

    Caption and heads are plain text, cells are HTML; columns without words are right-aligned. ``ids`` are the ids of the
    rows, "" for no id.
    """
    words = [not place or any(WORD.match(row[place]) for row in rows) for place in range(len(heads))]
    sides = ["" if left else ' class="n"' for left in words]
    head = "".join(
        f'<th scope="col"{side}>{escape(text)}</th>' for text, side in zip(heads, sides, strict=True)
    )
    body = "\n".join(_row(row, sides, name) for row, name in zip(rows, ids or [""] * len(rows), strict=True))
    return (
        f'<div class="box" role="region" tabindex="0" aria-label="{escape(caption)}">\n'
        f"<table>\n<caption>{escape(caption)}</caption>\n"
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def _row(cells: Sequence[str], sides: Sequence[str], name: str) -> str:
    anchor = f' id="{name}"' if name else ""
    others = "".join(f"<td{side}>{cell}</td>" for cell, side in zip(cells[1:], sides[1:], strict=True))
    return f'<tr{anchor}><th scope="row">{cells[0]}</th>{others}</tr>'


def json_block(content: object) -> str:
    """Return plain data as a script block; text in the data cannot end the block."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return f'<script type="application/json">{text}</script>'


def document(title: str, body: str, script: str = "") -> str:
    """Return a whole page with its style and script; its policy forbids a browser to load or run anything else."""
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    policy = f"default-src 'none'; img-src data:; style-src {_digest(style)}; script-src {_digest(script)}"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body>
{body}
{f"<script>{script}</script>" if script else ""}
</body>
</html>
"""


def _digest(text: str) -> str:
    """Return the source expression that allows this exact text (Content Security Policy Level 3, 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
