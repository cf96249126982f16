"""`sevis report`: what a network's gates did with pictures, as one HTML file and as data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sevis.cli_errors import told
from sevis.cli_options import NETWORK, Arch, Device

if TYPE_CHECKING:
    from sevis.inspector import Inspector
    from sevis.records import Inspection
    from sevis.report import Checkup, Subject

__all__ = ["report"]


@told()
def report(
    images: Annotated[list[str], typer.Argument(help="Pictures: JPEG, PNG, WebP, BMP, GIF or TIFF.")],
    model: Annotated[str, typer.Option(help=NETWORK)],
    out: Annotated[Path, typer.Option("--out", "-o", help="The page to write.")] = Path("report.html"),
    block: Annotated[
        list[str] | None, typer.Option(help="A block to show in detail besides the one that stands out; may be repeated.")
    ] = None,
    edit: Annotated[list[str] | None, typer.Option(help="A what-if, as in 'SE_3_1[<0.2]:set=0' or 'all:mean'; may be repeated.")] = None,
    target: Annotated[str | None, typer.Option(help="Class to explain; by default each picture's most probable.")] = None,
    run: Annotated[Path | None, typer.Option(help="A scan of the same network, for what the doctor says of its gates.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder for each picture's inspection as .npz and its numbers as .csv.")] = None,
    arch: Arch = None,
    device: Device = "auto",
) -> None:
    """Write one HTML file that opens from a disk, without a network: predictions, gates, Grad-CAMs, edits, and how it all came about.

    Exit code 0: written, 2: it could not be.

    Example: sevis report cat.jpg dog.jpg --model photos12/se_resnet18 --block SE_3_1 --edit all:set=1 -o report.html
    """
    from sevis.loading import load
    from sevis.report import report as page_of

    inspector = load(model, device, arch=arch)
    subjects = _subjects(inspector, images, target, block or [], edit or [])
    page = page_of(subjects, None if run is None else _checkup(run, subjects[0].inspection))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page, encoding="utf-8")
    written = [] if data is None else _write(data, subjects)
    typer.echo(f"{out}: {len(page.encode()) / 1e6:.1f} MB, opens in any browser without a network.")
    if data is not None:
        typer.echo(f"{data}: {len(written)} files; sevis.open_inspection opens the .npz without torch.")


def _subjects(
    inspector: Inspector, images: Sequence[str], target: str | None, blocks: Sequence[str], edits: Sequence[str]
) -> tuple[Subject, ...]:
    """Every picture inspected, and inspected again with the edits; these may name the other pictures by their files' names."""
    from sevis.report import Subject

    seen = {image: inspector.inspect(image, target) for image in images}
    others = {Path(image).name: inspection for image, inspection in seen.items()}
    return tuple(
        Subject(
            Path(image).name,
            inspection,
            inspector.inspect(image, _same(inspection, target), edits=edits, others=others) if edits else None,
            tuple(blocks),
        )
        for image, inspection in seen.items()
    )


def _same(inspection: Inspection, target: str | None) -> int | str | None:
    """The target that the edited network is to explain: what was explained before, but of a detector, whose boxes may be others then."""
    return inspection.target.index if inspection.target.box is None else target


def _checkup(folder: Path, inspection: Inspection) -> Checkup:
    """What the doctor says of a run.

    Raises:
        ValueError: there is none, or it is of another network.
    """
    from sevis.analysis.ablation import read_ablations
    from sevis.report import Checkup
    from sevis.runs import open_run

    run = open_run(folder)
    if inspection.provenance is None or run.meta["weights_sha256"] != inspection.provenance.weights_sha256:
        raise ValueError(f"{folder} is a scan of {run.network} with other weights than {inspection.model} has here; name a scan of it")
    ablated = read_ablations(folder)
    return Checkup(folder.name, run.read, run.examine(ablated), ablated)


def _write(folder: Path, subjects: Sequence[Subject]) -> list[Path]:
    """Each picture's inspection, and its numbers as tables."""
    from sevis.analysis.inspected_rows import cam_rows, channel_rows, prediction_rows
    from sevis.profiles import csv_of

    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, subject in zip(_names(subjects), subjects, strict=True):
        written.append(subject.inspection.save(folder / f"{name}.npz"))
        for table, rows in {"channels": channel_rows, "predictions": prediction_rows, "cams": cam_rows}.items():
            written.append(folder / f"{name}.{table}.csv")
            written[-1].write_text(csv_of(rows(subject.inspection)), encoding="utf-8")
    return written


def _names(subjects: Sequence[Subject]) -> list[str]:
    """The pictures' names without their endings; numbered where two would be the same."""
    stems = [Path(subject.title).stem for subject in subjects]
    return stems if len(set(stems)) == len(stems) else [f"{place}-{stem}" for place, stem in enumerate(stems, 1)]
