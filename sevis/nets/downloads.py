"""Weights fetched into the caches that huggingface_hub and torch.hub keep; what is there is taken without asking any network.

A server is asked once, with PATIENCE, before the library's own download begins: without a connection the one retries for 24 seconds, and
behind a wall that is silent the other waits for as long as the system likes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sevis.nets.caches import hub_cached, hub_folder, revision_of, url_cached, url_path
from sevis.nets.network import CheckpointError, described

__all__ = ["hub_file", "url_file"]

PATIENCE = 5.0  # seconds for a first answer


def hub_file(repository: str, filenames: Sequence[str]) -> Path:
    """The first of those files that a repository of the Hugging Face hub has.

    Raises:
        CheckpointError: it has none of them, or it is out of reach.
    """
    try:
        found = next((path for filename in filenames if (path := hub_cached(repository, filename))), None)
    except ValueError as error:
        raise CheckpointError(f"{repository!r} is not the name of a repository; expected ORGANISATION/NAME.") from error
    return found or _fetched(repository, filenames)


def _fetched(repository: str, filenames: Sequence[str]) -> Path:
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError, RepositoryNotFoundError

    name, revision = revision_of(repository)
    for filename in filenames:
        try:
            get_hf_file_metadata(hf_hub_url(name, filename, revision=revision), timeout=PATIENCE)
            return Path(hf_hub_download(name, filename, revision=revision))
        except RepositoryNotFoundError as error:
            raise CheckpointError(f"The Hugging Face hub has no repository {name!r} that may be read from here; check its name.") from error
        except Exception as error:  # of whichever HTTP library the hub's client uses this year
            if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
                continue
            raise _out_of_reach(f"The file {filename} of {name}", hub_folder(repository), error) from error
    raise CheckpointError(f"The repository {name!r} of the Hugging Face hub has no file {' or '.join(filenames)}.")


def url_file(url: str) -> Path:
    """The file of that address; its content is held to the hash in its name when it is fetched.

    Raises:
        CheckpointError: it is out of reach, or not the file that its name says.
    """
    return url_cached(url) or _downloaded(url)


def _downloaded(url: str) -> Path:
    from urllib.request import urlopen

    from torch.hub import HASH_REGEX, download_url_to_file

    path = url_path(url)
    known = HASH_REGEX.search(path.name)
    try:
        urlopen(url, timeout=PATIENCE).close()
        path.parent.mkdir(parents=True, exist_ok=True)
        download_url_to_file(url, str(path), known.group(1) if known else None)
    except OSError as error:
        raise _out_of_reach(f"The file {path.name}", path.parent, error) from error
    except RuntimeError as error:
        raise CheckpointError(f"The file {path.name} arrived damaged ({described(error)}); fetch it again.") from error
    return path


def _out_of_reach(what: str, folder: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{what} is not on this machine and cannot be fetched ({described(error)}). Its place is {folder}: load the network once on a"
        " machine with a connection and copy that folder, or pass weights=None for random weights, or load a checkpoint file with arch=."
    )
