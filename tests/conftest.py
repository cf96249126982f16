"""The test world: one processor thread, no denormal numbers, seeds fixed, and NumPy's divisions by zero are errors."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

np.seterr(divide="raise", invalid="raise")
torch.set_num_threads(1)
torch.set_flush_denormal(True)  # random networks fall into denormal numbers, ten times slower on a CPU


@pytest.fixture(autouse=True)
def seeds() -> None:
    """Every test starts from the same random state, whichever ran before it."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - third parties draw from the old generator
    torch.manual_seed(0)
