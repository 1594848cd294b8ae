"""The report as one page of HTML that needs no other file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from .tables import Table

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; color: #222; }
h1 { font-size: 1.6em; } h2 { font-size: 1.2em; margin-top: 2em; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; }
th, td { padding: .3em .7em; text-align: right; white-space: nowrap; border-bottom: 1px solid #ddd; }
th { border-bottom: 2px solid #888; } th:first-child, td:first-child { text-align: left; }
figure { margin: 1em 0; } figure svg { max-width: 100%; height: auto; }
p.caption, figcaption { color: #555; font-size: 14px; max-width: 60em; }
"""


@dataclass(frozen=True)
class Plot:
    """A picture in a report.

    Attributes:
        file: Its name beside the report in Markdown.
        title: What it shows, in a few words.
        caption: How to read it.
        svg: The picture.
    """

    file: str
    title: str
    caption: str
    svg: str


def html(title: str, facts: Sequence[str], plots: Sequence[Plot], tables: Sequence[Table]) -> str:
    """The page."""
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        *(f"<p>{escape(fact)}</p>" for fact in facts),
        *(_plot(plot, number) for number, plot in enumerate(plots)),
        *map(_table, tables),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _plot(plot: Plot, number: int) -> str:
    # Names inside the picture must be unique on the page.
    drawing = plot.svg[plot.svg.index("<svg") :]
    for reference in ('id="', 'href="#', "url(#"):
        drawing = drawing.replace(reference, f"{reference}p{number}-")
    return (
        f"<h2>{escape(plot.title)}</h2><figure>{drawing}<figcaption>{escape(plot.caption)}</figcaption></figure>"
    )


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in table.header)
    rows = "\n".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in table.rows)
    return (
        f'<h2>{escape(table.title)}</h2><p class="caption">{escape(table.caption)}</p>\n'
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table></div>'
    )
