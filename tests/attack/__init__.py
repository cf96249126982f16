"""Whatever a visitor may bring that means harm. `make test-attack` tries all of it, the suite what takes seconds."""

import os

ALL = bool(os.environ.get("SEVIS_TEST_ATTACK"))
