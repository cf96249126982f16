"""`sevis app`: the page in a browser."""

from __future__ import annotations

from typing import Annotated

import typer

from sevis.cli_errors import told

__all__ = ["app"]

HERE, ANYWHERE = "localhost", "0.0.0.0"


@told()
def app(
    port: Annotated[int, typer.Option(min=1, max=65535, envvar="STREAMLIT_SERVER_PORT", help="Where it listens.")] = 8501,
    address: Annotated[
        str | None, typer.Option(envvar="STREAMLIT_SERVER_ADDRESS", help="Of the one interface that it listens on; by default all of them.")
    ] = None,
) -> None:
    """Serve the page, from a checkout or an installed package alike, until Ctrl-C.

    Example: sevis app --port 8600 --address localhost
    """
    from sevis.app.serving import serve

    seen_at = HERE if address in (None, ANYWHERE) else address
    typer.echo(f"sevis is at http://{seen_at}:{port}; Ctrl-C ends it.", err=True)
    serve(port, address)
