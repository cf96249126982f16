"""Which module is running: read off the stack, so that no module needs a hook."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import FrameType

__all__ = ["owner"]


def owner(paths: Mapping[int, str]) -> str:
    """The path of the innermost module whose forward is running, among paths by identity; "" where there is none."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_argcount and frame.f_code.co_varnames[0] == "self":
            path = paths.get(id(frame.f_locals.get("self")))
            if path is not None:
                return path
        frame = frame.f_back
    return ""
