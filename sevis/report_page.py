"""A report's page: its look, its script, and the way from sections to HTML. Every word that comes in is escaped here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from sevis.report_parts import Part, Section

__all__ = ["SCRIPT", "STYLE", "as_data", "listing", "paragraphs", "section"]

STYLE = """
:root { color-scheme: light; --ink: #262730; --muted: #6b6f7b; --line: #e8e9ee; --purple: #5e3c99 }
* { box-sizing: border-box }
html { scroll-behavior: smooth }
body { margin: 0; color: var(--ink); background: #fff }
body { font: 15px/1.55 "Source Sans", sans-serif }
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 64px }
header { border-bottom: 1px solid var(--line); margin-bottom: 28px; padding-bottom: 20px }
h1 { font-size: 30px; line-height: 1.2; margin: 2px 0 8px; overflow-wrap: anywhere }
h2 { font-size: 23px; margin: 52px 0 4px; overflow-wrap: anywhere }
h3 { font-size: 18px; margin: 36px 0 10px; padding-top: 14px; border-top: 1px solid var(--line) }
p { margin: 0 0 8px }
a { color: var(--purple) }
header p, figcaption, .note, footer { color: var(--muted) }
.mark { color: var(--purple); font-weight: 600; letter-spacing: .04em }
nav { display: flex; flex-wrap: wrap; gap: 4px 18px; margin-top: 12px }
.grid { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 26px 28px; align-items: start }
.grid.three { grid-template-columns: repeat(3, minmax(0, 1fr)) }
.top { display: grid; grid-template-columns: 240px minmax(0, 1fr) minmax(0, 1fr); gap: 28px; align-items: start }
.top.boxed { grid-template-columns: minmax(0, 4fr) minmax(0, 3fr) minmax(0, 3fr) }
.wide { grid-column: 1 / -1 }
figure { margin: 0; min-width: 0; break-inside: avoid }
figure img { display: block; width: 100%; border-radius: 4px }
figcaption { font-size: 14px; line-height: 1.45; margin-top: 4px }
.save { float: right; margin-left: 14px; white-space: nowrap; font-weight: 400 }
button + button { margin-left: 8px }
button { font: inherit; font-size: 13px; color: var(--purple); background: none; border: 0; padding: 0 2px; cursor: pointer }
button:hover, button:focus-visible { text-decoration: underline }
table { border-collapse: collapse; width: 100%; font-size: 14px; margin: 12px 0 }
th, td { text-align: left; vertical-align: top; padding: 6px 16px 6px 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere }
th { font-weight: 600; white-space: nowrap }
.warn { border-left: 3px solid #e08214; padding-left: 12px }
footer { margin-top: 48px; font-size: 13px }
@media screen and (max-width: 760px) { .grid, .grid.three, .top, .top.boxed { grid-template-columns: minmax(0, 1fr) } }
@media print {
  @page { margin: 12mm }
  main { zoom: .6; padding: 0; max-width: none }
  nav, .save, .modebar-container { display: none !important }
  h2, h3 { break-after: avoid }
  article + article { break-before: page }
  tr { break-inside: avoid }
}
"""
# Paper is 703 px wide and shows the page at 0.6: 1171 px, so that the figures keep the width that they were drawn at.
SCRIPT = """
const save = (name, type, content) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], {type}));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};
const read = id => JSON.parse(document.getElementById(id).textContent);
const picture = (plot, format) => Plotly.downloadImage(plot, {
  format, filename: plot.dataset.file, width: plot.clientWidth, height: plot.clientHeight, scale: format === "png" ? 2 : 1});
const table = button => {
  const [head, ...rows] = read(button.dataset.table).split("\\n"), block = button.dataset.block;
  const kept = block ? rows.filter(row => row.startsWith(block + ",")) : rows;
  save(button.dataset.file + ".csv", "text/csv", [head, ...kept].join("\\n"));
};
document.addEventListener("click", event => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.table) table(button);
  else picture(button.closest("figure").querySelector(".plot"), button.dataset.format);
});
for (const plot of document.querySelectorAll(".plot")) {
  const {data, layout} = read(plot.id + "-data");
  Plotly.newPlot(plot, data, {...layout, paper_bgcolor: "#fff"}, {displayModeBar: false, responsive: true, scrollZoom: false});
}
"""


def paragraphs(sentences: Iterable[str], kind: str = "") -> str:
    """Each sentence as a paragraph."""
    start = f'<p class="{kind}">' if kind else "<p>"
    return "".join(f"{start}{escape(each)}</p>" for each in sentences if each)


def as_data(name: str, content: str) -> str:
    """JSON that the script reads; no "<" stands in it, so nothing ends it early."""
    return f'<script type="application/json" id="{name}">{content.replace("<", chr(92) + "u003c")}</script>'


def section(made: Section, name: str, table: str = "") -> str:
    """A section with its heading, sentences, figures and table.

    Args:
        name: begins the names of its figures on this page.
        table: the name of the picture's numbers on this page.
    """
    figures = "".join(figure(part, f"{name}-{place}") for place, part in enumerate(made.parts))
    abreast = " three" * (sum(not part.wide for part in made.parts) == 3)  # in two columns the third would stand alone
    grid = f'<div class="grid{abreast}">{figures}</div>' if figures else ""
    button = "" if made.block is None else _table_button(table, made.block, name)
    return f'<section id="{name}"><h3>{escape(made.title)}{button}</h3>{paragraphs(made.told)}{grid}{listing(made.rows)}</section>'


def _table_button(table: str, block: str, file: str) -> str:
    """The way to save the numbers of one block, or of all."""
    saved = escape(f"{file}-{block or 'network'}")
    named = f'data-table="{escape(table)}" data-block="{escape(block)}" data-file="{saved}"'
    return f'<span class="save"><button {named}>numbers as CSV</button></span>'


def figure(part: Part, name: str) -> str:
    """A figure that the script draws, its words, and the ways to save it."""
    height = int(part.figure.layout.height)
    file = f"{name}-{part.name}"
    return (
        f'<figure class="{"wide" if part.wide else ""}"><div class="plot" id="{name}" data-file="{escape(file)}" style="height:{height}px">'
        f"</div>{as_data(f'{name}-data', part.figure.to_json())}{caption(part.said)}</figure>"
    )


def caption(said: Iterable[str]) -> str:
    """The words under a figure, with the ways to save it."""
    buttons = "".join(f'<button data-format="{kind}">{kind.upper()}</button>' for kind in ("svg", "png"))
    return f'<figcaption><span class="save">{buttons}</span>{escape(" ".join(each for each in said if each))}</figcaption>'


def listing(rows: Sequence[Mapping[str, str]], *, head: bool = True) -> str:
    """Rows as a table; without a head the first column names the rows."""
    if not rows:
        return ""
    top = f"<thead><tr>{''.join(f'<th>{escape(name)}</th>' for name in rows[0])}</tr></thead>" if head else ""
    body = "".join(f"<tr>{_cells(list(row.values()), named=not head)}</tr>" for row in rows)
    return f"<table>{top}<tbody>{body}</tbody></table>"


def _cells(values: Sequence[str], *, named: bool) -> str:
    first = f"<th>{escape(values[0])}</th>" if named else f"<td>{escape(values[0])}</td>"
    return first + "".join(f"<td>{escape(value)}</td>" for value in values[1:])


def as_json(text: str) -> str:
    """A text as JSON."""
    return json.dumps(text)
