"""The page's server, as `streamlit run app.py` starts it, from wherever the package lies."""

from __future__ import annotations

import socket

from streamlit.web import cli

from sevis.places import SCRIPT

__all__ = ["serve"]


def serve(port: int, address: str | None = None) -> None:
    """Serve the page until the process is told to stop, on all interfaces or on that of the address.

    Streamlit reads .streamlit/config.toml beside the script, so settings come along with an installed package too.

    Raises:
        OSError: another program listens there.
    """
    _check_free(port, address or "")
    where = [] if address is None else ["--server.address", address]
    cli.main(["run", str(SCRIPT), "--server.port", str(port), *where], prog_name="streamlit", standalone_mode=False)


def _check_free(port: int, address: str) -> None:
    """Raise OSError where the port is taken: Streamlit itself would end with the exit code that the doctor has for a fault."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        socket.create_server((address, port), family=family).close()
    except OSError as error:
        raise OSError(f"Port {port} is taken or not allowed ({error.strerror}); choose another one with --port.") from error
