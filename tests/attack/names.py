"""Names that want to be a path, a module or an address, and everywhere that a visitor may bring one."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from pathlib import Path

from sevis import pictures, zips
from sevis.app.gathering import gather
from sevis.app.packing import pack
from sevis.app.uploads import Upload, Uploads
from sevis.edits import EditError, parse
from sevis.loading import CheckpointError, load_uploaded
from tests.attack.pictures import SMALL_PNG

MARK = "hOsTiLe"  # in each of them, so that it is known again wherever it turns up
HOSTILE = (
    f"../../{MARK}",
    f"/{MARK}/passwd",
    f"..\\{MARK}.png",
    f"{MARK}.module:build",
    f"os.path.{MARK}",
    f"http://127.0.0.1:9/{MARK}",
    f"file:///{MARK}",
    f"//127.0.0.1/{MARK}",
    f"{MARK}.safetensors",
    f"{MARK}\0.png",
    f"$(touch {MARK})",
    f"own/{MARK}",
)
EVENTS = ("open", "import", "os.", "shutil", "subprocess", "socket", "urllib", "http", "ftplib", "pathlib", "glob")


def bring(name: str) -> None:
    """Hand a name over in every way that a visitor has."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(name, SMALL_PNG)
    for files in ([(name, SMALL_PNG)], [(name, archive.getvalue())]):
        gather(files, pictures.read, lambda _: None)
    list(zips.members(archive.getvalue()))
    for arch in (name, "photos12/se_resnet18"):
        with suppress(CheckpointError):
            load_uploaded(SMALL_PNG, arch, (name, name))
    Uploads(100).get(Uploads(100).keep(Upload(b"", name, (name,))))
    for text in (name, f"all:picture={name}", f"{name}[1]:set=0"):
        with suppress(EditError):
            parse(text)


def packed(name: str, where: Path) -> None:
    """Hand a name over for a scan, whose pictures go into one file of the server's own."""
    pack([(name, SMALL_PNG)], where)


__all__ = ["EVENTS", "HOSTILE", "MARK", "bring", "packed"]
