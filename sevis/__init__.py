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
    from sevis.monitor import GateMonitor as GateMonitor
    from sevis.pictures import PictureError as PictureError
    from sevis.records import Inspection as Inspection
    from sevis.runs import Run as Run
    from sevis.runs import open_run as open_run
    from sevis.scan import scan as scan
    from sevis.stored import InspectionError as InspectionError
    from sevis.stored import open_inspection as open_inspection

__version__ = "0.1.0"

_HOMES = {
    "CheckpointError": "sevis.loading",
    "GateMonitor": "sevis.monitor",
    "Inspection": "sevis.records",
    "InspectionError": "sevis.stored",
    "Inspector": "sevis.inspector",
    "PictureError": "sevis.pictures",
    "Run": "sevis.runs",
    "capture": "sevis.capture.tracer",
    "find_gates": "sevis.capture.tracer",
    "load": "sevis.loading",
    "open_inspection": "sevis.stored",
    "open_run": "sevis.runs",
    "scan": "sevis.scan",
    "wrap": "sevis.loading",
}
__all__ = [
    "CheckpointError",
    "GateMonitor",
    "Inspection",
    "InspectionError",
    "Inspector",
    "PictureError",
    "Run",
    "capture",
    "find_gates",
    "load",
    "open_inspection",
    "open_run",
    "scan",
    "wrap",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sevis' has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
