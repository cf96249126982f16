"""The tests. `make test-slow` runs all of them, and in full what the suite proves on a part."""

import os

SLOW = bool(os.environ.get("SEVIS_TEST_SLOW"))
