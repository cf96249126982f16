"""The doctor's gallery and the pictures to judge it on, as the tests call them."""

from __future__ import annotations

from sevis.gallery import photographs
from sevis.nets.gallery import GALLERY, HEALTHY, Fault, healthy

__all__ = ["GALLERY", "HEALTHY", "Fault", "healthy", "photographs"]
