"""The vocabulary that every room shares: frozen records of NumPy arrays, and nothing else.

Letters in the shapes: N pictures, M branches, C channels, d hidden units, H x W pixels.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass, fields
from functools import cached_property
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np

__all__ = ["Cam", "GateAverage", "GateRecord", "GateSite", "Inspection", "Outcome", "Prediction", "Provenance"]

Kind = Literal["channel", "branch"]
PREFIXES: dict[Kind, str] = {"channel": "SE", "branch": "SK"}


def _check_shape(owner: str, name: str, array: np.ndarray, expected: tuple[int | None, ...]) -> None:
    """Raise ValueError unless the array has the expected shape (None: any length)."""
    fits = array.ndim == len(expected) and all(want in (None, got) for got, want in zip(array.shape, expected, strict=True))
    if not fits:
        wanted = tuple("any" if n is None else n for n in expected)
        raise ValueError(f"{owner}: {name} has shape {array.shape}, expected {wanted}")


@dataclass(frozen=True)
class GateSite:
    """One place in a network where a feature map is multiplied by weights computed from its own squeeze.

    Attributes:
        path: dotted path of the module that owns the multiplication; "" is the network itself.
        kind: "channel" (SE: one weight a channel) or "branch" (SK: a softmax over branches in every channel).
        activation: the nonlinearity that made the weights, as in "sigmoid" or "softmax".
        stage: the papers' stage; the first after the stem is 2.
        block: place among the gates of its stage, from 1.
        depth: place among all gates of the network, from 0.
        channels: C.
        branches: names of the M things that are weighed; ("gate",) for a channel gate.
        warning: why the site failed its own identity check; empty when it passed.
    """

    path: str
    kind: Kind
    activation: str
    stage: int
    block: int
    depth: int
    channels: int
    branches: tuple[str, ...] = ("gate",)
    warning: str = ""

    @property
    def name(self) -> str:
        """The papers' name of the block, as in SE_2_1 (Hu et al. 2018, section 7.2) or SK_3_4 (Li et al. 2019, figure 3)."""
        return f"{PREFIXES[self.kind]}_{self.stage}_{self.block}"


@dataclass(frozen=True)
class GateRecord:
    """What one gate did with N pictures.

    Attributes:
        squeeze: the pooled feature map z, (N, C).
        hidden: the bottleneck after its activation, (N, d); None where a gate has no bottleneck.
        logits: what enters the last nonlinearity, (N, M, C).
        weights: the excitation weights that multiply the feature map, (N, M, C); branch weights sum to 1 over M.
        maps: the feature maps that are multiplied, (N, M, C, H, W); None where they were not asked for.
    """

    site: GateSite
    squeeze: np.ndarray
    hidden: np.ndarray | None
    logits: np.ndarray
    weights: np.ndarray
    maps: np.ndarray | None = None

    def __post_init__(self) -> None:
        pictures, branches, channels = len(self.weights), len(self.site.branches), self.site.channels
        _check_shape(self.site.path, "weights", self.weights, (pictures, branches, channels))
        _check_shape(self.site.path, "logits", self.logits, (pictures, branches, channels))
        _check_shape(self.site.path, "squeeze", self.squeeze, (pictures, channels))
        if self.hidden is not None:
            _check_shape(self.site.path, "hidden", self.hidden, (pictures, None))
        if self.maps is not None:
            _check_shape(self.site.path, "maps", self.maps, (pictures, branches, channels, None, None))

    @property
    def gated(self) -> np.ndarray:
        """The feature maps after the gate, (N, C, H, W): each branch times its weight, summed over the branches."""
        if self.maps is None:
            raise ValueError(f"{self.site.path}: the feature maps were not recorded; inspect with maps=True")
        gated: np.ndarray = np.einsum("nmc,nmchw->nchw", self.weights, self.maps.astype(np.float32))
        return gated


@dataclass(frozen=True)
class GateAverage:
    """One gate's mean and spread over a set of pictures: the average picture that others are compared with.

    Attributes:
        path: the site's path.
        mean: mean weight over the pictures, (M, C).
        spread: standard deviation of the weight over the pictures, (M, C).
        pictures: how many pictures they were measured on.
        quantiles: of the weight over the pictures, (Q, M, C), at Q equal steps from the least to the greatest; None where unknown.
        by_class: mean weight over the pictures of each class, (K, M, C) in the order of the network's classes; None where unknown.
    """

    path: str
    mean: np.ndarray
    spread: np.ndarray
    pictures: int
    quantiles: np.ndarray | None = None
    by_class: np.ndarray | None = None

    def __post_init__(self) -> None:
        _check_shape(self.path, "mean", self.mean, (None, None))
        _check_shape(self.path, "spread", self.spread, self.mean.shape)
        for name, values in (("quantiles", self.quantiles), ("by_class", self.by_class)):
            if values is not None:
                _check_shape(self.path, name, values, (None, *self.mean.shape))

    def percentile(self, branch: int, channel: int, weight: float) -> float | None:
        """The share of the pictures, in percent, whose weight in that channel is lower; None where the quantiles are unknown."""
        if self.quantiles is None:
            return None
        steps = np.linspace(0, 100, len(self.quantiles))
        return float(np.interp(weight, self.quantiles[:, branch, channel].astype(float), steps))

    def deviation(self, weights: np.ndarray) -> np.ndarray:
        """How many spreads the weights (N, M, C) lie above the average, (N, M, C); 0 where a weight never varies."""
        difference: np.ndarray = weights - self.mean
        spreads: np.ndarray = np.divide(difference, self.spread, out=np.zeros_like(difference), where=self.spread > 1e-6)
        return spreads


@dataclass(frozen=True)
class Cam:
    """Grad-CAM at one tensor (Selvaraju et al. 2017, eq. 1 and 2).

    Attributes:
        path: the module whose output it explains; the site's path, or that of the last feature map.
        name: what to call it on a figure.
        target: index of the class that is explained.
        values: the map divided by its own peak, (N, H, W) in [0, 1]; all 0 where nothing spoke for the class.
        peak: what it was divided by, (N,): values * peak is the map in units of the score.
        method: how it was made.
    """

    path: str
    name: str
    target: int
    values: np.ndarray
    peak: np.ndarray
    method: str = "Grad-CAM"

    def __post_init__(self) -> None:
        _check_shape(self.path, "values", self.values, (None, None, None))
        _check_shape(self.path, "peak", self.peak, (len(self.values),))


@dataclass(frozen=True)
class Prediction:
    """One class and its probability; of a detector, one box that it found.

    Attributes:
        box: left, top, right and bottom in pixels of the picture that the network saw; None for a class of the whole picture.
    """

    index: int
    label: str
    probability: float
    box: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Outcome:
    """What an edit of the gates does to a prediction.

    Attributes:
        edits: as sevis.edits writes them; empty for the network as it is.
        predictions: the most probable classes, or the boxes that are found; best first.
        target: the class or box that is followed, with its probability now.
        score: its logit.
    """

    edits: tuple[str, ...]
    predictions: tuple[Prediction, ...]
    target: Prediction
    score: float


@dataclass(frozen=True)
class Provenance:
    """What an inspection was made with: enough to make it again.

    Attributes:
        weights_sha256: over the names, types, shapes and values of the network's parameters and buffers.
        preprocessing: how a picture became the network's input.
        versions: names and versions of what ran.
    """

    weights_sha256: str
    preprocessing: str
    versions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Inspection:
    """Everything that one forward and one backward pass tell about one picture (N = 1 in every record).

    Attributes:
        model: name of the network.
        device: where it ran.
        image: the picture as the network saw it, (H, W, 3) uint8.
        predictions: the most probable classes, or the boxes that were found, best first.
        target: the class or box that influence and maps explain.
        score: its logit.
        gates: one record a gate, in order of depth.
        influence: one array a gate, (1, M, C): derivative of the score by the weight, times the weight.
        cams: one Grad-CAM a gate, at the gate's output.
        last_cam: the usual Grad-CAM, at the last feature map.
        averages: one average a gate, or empty where none were measured.
        seconds: how long the passes took.
        warnings: what the reader should know, one sentence each.
        edits: of the gates, as sevis.edits writes them; everything else is what came of them.
        provenance: what it was made with; None where nobody said.
    """

    model: str
    device: str
    image: np.ndarray
    predictions: tuple[Prediction, ...]
    target: Prediction
    score: float
    gates: tuple[GateRecord, ...]
    influence: tuple[np.ndarray, ...]
    cams: tuple[Cam, ...]
    last_cam: Cam | None
    averages: tuple[GateAverage, ...] = ()
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    edits: tuple[str, ...] = ()
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        _check_shape(self.model, "image", self.image, (None, None, 3))
        if not len(self.gates) == len(self.influence) == len(self.cams):
            raise ValueError(
                f"{self.model}: {len(self.gates)} gates, {len(self.influence)} influences and {len(self.cams)} maps do not pair up"
            )
        if self.averages and len(self.averages) != len(self.gates):
            raise ValueError(f"{self.model}: {len(self.averages)} averages for {len(self.gates)} gates")
        for record, influence in zip(self.gates, self.influence, strict=True):
            _check_shape(record.site.path, "influence", influence, record.weights.shape)

    @property
    def sites(self) -> tuple[GateSite, ...]:
        """The gates' sites, in order of depth."""
        return tuple(record.site for record in self.gates)

    def deviation(self, depth: int) -> np.ndarray | None:
        """The weights of one gate in spreads above the average picture, (1, M, C); None without averages."""
        return self.averages[depth].deviation(self.gates[depth].weights) if self.averages else None

    @cached_property
    def digest(self) -> str:
        """All that it holds in 32 letters: what is made of it can be kept under this name. Its arrays may not change any more."""
        held = [getattr(self, each.name) for each in fields(self)]
        return blake2b(pickle.dumps(held), digest_size=16).hexdigest()

    # What keeps and shows an inspection knows records and not the other way round; a notebook asks the inspection itself all the same.
    # So the three rooms below are found by name when they are asked, as the facade finds its own, and records load NumPy alone.

    def save(self, path: str | Path) -> Path:
        """Keep all of it in one file, for `sevis.open_inspection`; gives the path. See sevis.stored."""
        saved: Path = import_module("sevis.stored").save_inspection(self, path)
        return saved

    def figure(self, name: str = "network", block: str | None = None, **options: Any) -> Any:
        """A plotly figure of sevis.figures by its name, as in figure("sorted_weights", "SE_3_1"); see sevis.notebook.figure."""
        return import_module("sevis.notebook").figure(self, name, block, **options)

    def _repr_html_(self) -> str:
        """The picture, the prediction and the network at a glance, as a notebook shows it."""
        shown: str = import_module("sevis.notebook").glance(self)
        return shown
