"""What goes wrong on the command line, as one sentence and an exit code; with --debug, wherever it stands, as it was raised.

Every command is decorated with `told`; `Telling` is the group that they are in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from sevis.memory import NO_ROOM, OutOfMemory, is_full

__all__ = ["BROKEN", "FAILED", "INTERRUPTED", "Telling", "told"]

FAILED = 2  # the question cannot be answered; also typer's own code where the command line cannot be read
BROKEN = 70  # a fault of sevis or of the machine; as sysexits.h has it
INTERRUPTED = 130  # as a shell tells Ctrl-C

# networks, pictures, sources, runs, edits and a full memory raise sentences of these kinds
EXPECTED = (ValueError, TypeError, OSError, ImportError, OutOfMemory)
DEBUG = "--debug"


@contextmanager
def told() -> Iterator[None]:
    """What cannot be done as one sentence on the error output, and FAILED; use it as a decorator."""
    try:
        yield
    except BrokenPipeError:  # whoever read the answer has left, as in `sevis models | head`
        raise
    except EXPECTED as error:
        typer.echo(str(error) or type(error).__name__, err=True)
        raise typer.Exit(FAILED) from error
    except (MemoryError, RuntimeError) as error:
        if not is_full(error):
            raise
        typer.echo(NO_ROOM, err=True)
        raise typer.Exit(FAILED) from error


class Telling(TyperGroup):
    """A group of commands that ends with a sentence whatever happens, unless --debug is among the arguments."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments, with --debug where the group expects it."""
        own = args[: args.index("--")] if "--" in args else args
        asked = [DEBUG] * (DEBUG in own)
        return super().parse_args(ctx, [*asked, *(word for word in own if word != DEBUG), *args[len(own) :]])

    def invoke(self, ctx: Any) -> Any:
        """Run the command; raises what went wrong where --debug asks for it."""
        debug = ctx.params["debug"]
        try:
            return super().invoke(ctx)
        except typer.Exit as end:
            if debug and end.__cause__ is not None:
                raise end.__cause__ from None
            raise
        except (typer.TyperException, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if debug:
                raise
            typer.echo(f"sevis broke off: {type(error).__name__}: {error} Run the same with --debug to see where.", err=True)
            raise typer.Exit(BROKEN) from error
