"""sevis shows what channel attention does inside a convolutional network.

    inspector = sevis.load("photos12/se_resnet18")
    inspection = inspector.inspect("cat.jpg")
    inspection.gates[0].weights            # (1, M, C)

Importing sevis loads no torch: every name below is fetched when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sevis.capture import capture as capture
    from sevis.capture import find_gates as find_gates
    from sevis.inspector import Inspector as Inspector
    from sevis.loading import CheckpointError as CheckpointError
    from sevis.loading import load as load
    from sevis.loading import wrap as wrap
    from sevis.pictures import PictureError as PictureError
    from sevis.records import Inspection as Inspection

__version__ = "0.1.0"

_HOMES = {
    "CheckpointError": "sevis.loading",
    "Inspection": "sevis.records",
    "Inspector": "sevis.inspector",
    "PictureError": "sevis.pictures",
    "capture": "sevis.capture.tracer",
    "find_gates": "sevis.capture.tracer",
    "load": "sevis.loading",
    "wrap": "sevis.loading",
}
__all__ = ["CheckpointError", "Inspection", "Inspector", "PictureError", "capture", "find_gates", "load", "wrap"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sevis' has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
