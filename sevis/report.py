"""One picture's or several pictures' inspections as one HTML file that needs nothing else: it opens from a disk without a network.

    Path("report.html").write_text(report([Subject("cat.jpg", inspection)]), encoding="utf-8")

plotly.js is in it once (4.8 MB), everything else is some hundred kilobytes a picture. Its own policy forbids it to ask any host for
anything. What visitors, networks and files are called is escaped before it becomes part of the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from plotly.offline import get_plotlyjs

from sevis import __version__
from sevis.figures.overlay import data_uri, shrunk
from sevis.records import Inspection
from sevis.report_page import SCRIPT, STYLE, as_data, as_json, figure, listing, paragraphs, section
from sevis.report_parts import Checkup, Section, Subject, checkup_section, numbers, sections
from sevis.words import counted

__all__ = ["Checkup", "Subject", "report"]

POLICY = "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
LONGEST = 640  # px of the picture


def report(subjects: Sequence[Subject], checkup: Checkup | None = None, *, date: datetime | None = None) -> str:
    """The page.

    Args:
        subjects: the pictures, one at least.
        checkup: what the doctor said of a scan of the network.
        date: of the report; None is now.

    Raises:
        ValueError: there is no picture, or a network has no block of a name that was asked for.
    """
    if not subjects:
        raise ValueError("a report needs one picture at least")
    when = (date or datetime.now().astimezone()).strftime("%d %B %Y, %H:%M")
    articles = "".join(_article(subject, place, headed=len(subjects) > 1) for place, subject in enumerate(subjects))
    doctor = "" if checkup is None else f"<article>{section(checkup_section(checkup), 'doctor')}</article>"
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(_title(subjects))}</title>'
        f"<style>{STYLE}</style><script>{get_plotlyjs()}</script></head><body><main>"
        f"{_header(subjects, when, has_doctor=checkup is not None)}{articles}{doctor}{_origin(subjects)}"
        f"<footer>sevis {escape(__version__)}, {escape(when)}</footer></main><script>{SCRIPT}</script></body></html>\n"
    )


def _title(subjects: Sequence[Subject]) -> str:
    what = subjects[0].title if len(subjects) == 1 else counted(len(subjects), "picture")
    return f"{subjects[0].inspection.model} on {what}"


def _header(subjects: Sequence[Subject], when: str, *, has_doctor: bool) -> str:
    links = [(f"picture-{place}", subject.title) for place, subject in enumerate(subjects)] if len(subjects) > 1 else []
    links += [("doctor", "The doctor")] if has_doctor else []
    links += [("origin", "How it came about")]
    anchors = "".join(f'<a href="#{name}">{escape(title)}</a>' for name, title in links)
    gates = counted(len(subjects[0].inspection.gates), "gate")
    return (
        f'<header><div class="mark">sevis</div><h1>{escape(_title(subjects))}</h1>'
        f"<p>{gates} · {counted(len(subjects), 'picture')} · {escape(when)}</p><nav>{anchors}</nav></header>"
    )


def _article(subject: Subject, place: int, *, headed: bool) -> str:
    """Everything about one picture; under its own heading where there are others."""
    inspection, name = subject.inspection, f"picture-{place}"
    table = f"{name}-numbers" if inspection.gates else ""
    summary, *others = sections(subject)
    drawn = "".join(section(made, f"{name}-{n}", table) for n, made in enumerate(others))
    data = as_data(table, as_json(numbers(inspection))) if table else ""
    warnings = paragraphs(inspection.warnings, "warn")
    head = f"<h2>{escape(subject.title)}</h2>" if headed else ""
    return f'<article id="{name}">{head}{warnings}{_top(inspection, summary, name)}{drawn}{data}</article>'


def _top(inspection: Inspection, summary: Section, name: str) -> str:
    """The picture as the network saw it, what it makes of it, and what stands out."""
    *found, predicted = (figure(part, f"{name}-top-{n}") for n, part in enumerate(summary.parts))
    height, width = inspection.image.shape[:2]
    seen = f'<img src="{data_uri(shrunk(inspection.image, LONGEST), 90)}" alt="The picture as the network saw it">'
    plain = f"<figure>{seen}<figcaption>As the network saw it: {width} × {height} pixels</figcaption></figure>"
    return (
        f'<div class="top{" boxed" * bool(found)}">{"".join(found) or plain}{predicted}'
        f"<div><p><b>What stands out</b></p>{paragraphs(summary.told)}</div></div>"
    )


def _origin(subjects: Sequence[Subject]) -> str:
    """What the report was made with: once for all pictures, which one network has seen."""
    first = subjects[0].inspection
    rows = [("network", first.model), ("device", first.device), *_provenance(first)]
    rows += [("explained", "; ".join(f"{each.title}: {each.inspection.target.label}" for each in subjects))]
    rows += [("average picture", f"over {counted(first.averages[0].pictures, 'picture')}" if first.averages else "not known")]
    cells = [{"what": what, "which": which} for what, which in rows]
    return f'<section id="origin"><h3>How it came about</h3>{listing(cells, head=False)}</section>'


def _provenance(inspection: Inspection) -> list[tuple[str, str]]:
    made = inspection.provenance
    if made is None:
        return []
    versions = ", ".join(f"{name} {version}" for name, version in made.versions)
    return [("weights, sha256", made.weights_sha256), ("preprocessing", made.preprocessing), ("versions", versions)]
