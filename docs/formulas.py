"""Formulas of the lessons as MathML while the documentation is built: browsers draw it themselves, so no script is fetched."""

from __future__ import annotations

import re
from typing import Any

from latex2mathml.converter import convert

__all__ = ["on_page_markdown"]

FORMULA = re.compile(r"\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+)\$", re.DOTALL)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """What mkdocs calls for every page; elsewhere than in the lessons a dollar sign is one."""
    return FORMULA.sub(_written, markdown) if page.file.src_uri.startswith("learn/") else markdown


def _written(found: re.Match[str]) -> str:
    block = found["block"]
    return convert(block.strip(), display="block") if block else convert(found["inline"])
