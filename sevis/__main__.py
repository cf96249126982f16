"""`python -m sevis` is the command line."""

from sevis.cli import app

app(prog_name="sevis")
