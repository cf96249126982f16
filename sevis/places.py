"""Where the files lie that are no Python: the page's script and its settings, pictures and names, the checkpoints, the lessons.

In a checkout they are in its root. A wheel carries the same files in sevis/shipped, as pyproject.toml says.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["ASSETS", "LEARN", "PRETRAINED", "SCRIPT"]

PACKAGE = Path(__file__).resolve().parent
SHIPPED = PACKAGE / "shipped"
ROOT = SHIPPED if SHIPPED.is_dir() else PACKAGE.parent

ASSETS, PRETRAINED, LEARN, SCRIPT = ROOT / "assets", ROOT / "pretrained", ROOT / "docs" / "learn", ROOT / "app.py"
