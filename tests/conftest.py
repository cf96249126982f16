"""The test world: one processor thread, no denormal numbers, seeds fixed, and NumPy's divisions by zero are errors."""

from __future__ import annotations

import gc
import importlib
import random
import sys
from functools import cache
from unittest.mock import Mock

import numpy as np
import pytest
import torch

np.seterr(divide="raise", invalid="raise")
torch.set_num_threads(1)
torch.set_flush_denormal(True)  # random networks fall into denormal numbers, ten times slower on a CPU


def pytest_collection_finish() -> None:
    """Keep what is imported by now out of every later collection: Streamlit collects after each run of a page, and looks at all there is.

    So does the page's own loading of a network, which freezes it in turn; here a test's networks are to go with their test.
    """
    gc.collect()
    gc.freeze()
    if "sevis.app.state" in sys.modules:
        sys.modules["sevis.app.state"].gc = Mock(gc)  # type: ignore[attr-defined]
    if "streamlit.testing.v1" in sys.modules:  # its bench looks through all installed packages for components at each run
        scanner = importlib.import_module("streamlit.components.v2.manifest_scanner")
        scanner.scan_component_manifests = cache(scanner.scan_component_manifests)


@pytest.fixture(autouse=True)
def seeds() -> None:
    """Every test starts from the same random state, whichever ran before it."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - third parties draw from the old generator
    torch.manual_seed(0)
