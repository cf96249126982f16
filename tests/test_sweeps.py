"""The sweep of zooms against a plain loop over pictures with Pillow and hooks, and on networks that answer to size or to blur alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from sevis import sweeps
from sevis.analysis.zoom import ZOOMS
from sevis.datasets import open_source
from sevis.inspector import Inspector
from sevis.nets.blocks import SelectiveKernel
from sevis.sweeps import blurred, enlarged, sweep
from tests.photo_folders import broken, class_folders, write
from tests.tiny_networks import CLASSES, Plain, network, se_net, selective_net, short

SIDE = 33
FOLDERS = ("cat", "bee", "yak")  # the network does not know the third


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven pictures in class folders, and one that cannot be read."""
    return write(class_folders(tmp_path_factory.mktemp("photos"), 7, FOLDERS), {"cat/broken.jpg": broken()})


@pytest.fixture(scope="module", params=[2, 3])
def selective(request: pytest.FixtureRequest) -> Inspector:
    return Inspector(network(short(selective_net(branches=request.param)), SIDE))


# ---- the plain loop


def resized(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture (3, H, W) float32 of another height and width, by Pillow."""
    return np.stack([np.asarray(Image.fromarray(each).resize(size[::-1], Image.Resampling.BICUBIC)) for each in picture])


def seen(picture: np.ndarray, zoom: float, blur: bool) -> np.ndarray:
    side = picture.shape[1]
    part = round(side / zoom)
    first = (side - part) // 2
    inner = resized(picture, (part, part)) if blur else picture[:, first : first + part, first : first + part]
    return resized(np.ascontiguousarray(inner), (side, side))


def answer(module: nn.Module, picture: np.ndarray) -> tuple[int, list[np.ndarray]]:
    """The class named for one picture, and the difference of the last and the first branch (C,) of each block."""
    logits: list[np.ndarray] = []
    blocks = [each for each in module.modules() if isinstance(each, SelectiveKernel)]
    hooks = [each.select.register_forward_hook(lambda _, __, made: logits.append(made[0].double().numpy())) for each in blocks]
    with torch.no_grad():
        best = int(module(torch.from_numpy(picture)[None]).argmax())
    for hook in hooks:
        hook.remove()
    raised = [np.exp(each.reshape(len(block.branches), -1)) for each, block in zip(logits, blocks, strict=True)]
    return best, [each[-1] / each.sum(axis=0) - each[0] / each.sum(axis=0) for each in raised]


VIEWS = [(zoom, blur) for blur in (False, True) for zoom in ZOOMS if zoom > 1 or not blur]


def test_the_sweep_is_a_loop_over_pictures(selective: Inspector, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "BATCH", 5)
    swept = sweep(selective, open_source(photos))
    files = [path for path in sorted(photos.glob("*/*.jpg")) if path.stem != "broken"]
    tensors = [selective.tensor(np.asarray(Image.open(path).convert("RGB"))).numpy() for path in files]
    answers = [[answer(selective.module, seen(tensor, *view)) for view in VIEWS] for tensor in tensors]
    folders = np.array([path.parent.name for path in files])
    assert (swept.pictures, swept.unread, swept.named) == (7, 1, 5)
    assert [(view.zoom, view.blurred) for view in swept.views] == VIEWS
    targets = [CLASSES.index(each) if each in CLASSES else None for each in folders]
    right = [sum(of[view][0] == target for of, target in zip(answers, targets, strict=True)) for view in range(len(VIEWS))]
    assert swept.right.tolist() == right and swept.top1 == tuple(count / 5 for count in right)
    for depth, gate in enumerate(swept.gates):
        values = np.array([[of[view][1][depth] for view in range(len(VIEWS))] for of in answers])  # (N, V, C)
        np.testing.assert_allclose(gate.channels.mean, values.mean(axis=0), atol=2e-6)
        np.testing.assert_allclose([each.mean for each in gate.difference], values.mean(axis=(0, 2)), atol=2e-6)
        for label, name in enumerate(swept.classes):
            mine = values[folders == name].mean(axis=(0, 2))
            np.testing.assert_allclose([each.mean for each in gate.of_class(label)], mine, atol=2e-6)


@pytest.mark.parametrize("shape", [(32, 32), (17, 40), (3, 5), (1, 1)])
@pytest.mark.parametrize("zoom", [1.5, 2.0, 9.0])
def test_views_have_the_size_of_the_picture_and_leave_grey_grey(shape: tuple[int, int], zoom: float) -> None:
    grey = torch.full((2, 3, *shape), 0.25)
    for shown in (enlarged, blurred):
        torch.testing.assert_close(shown(grey, zoom), grey)
        noise = torch.rand(grey.shape)
        assert torch.equal(shown(noise, 1.0), noise)


def test_a_limit_takes_some_at_random_and_tells_how_far_it_is(selective: Inspector, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "BATCH", 2)
    steps: list[tuple[int, int]] = []
    swept = sweep(selective, open_source(photos), limit=5, zooms=(1, 3), report=lambda *step: steps.append(step))
    assert swept.pictures + swept.unread == 5 and steps == [(2, 5), (4, 5), (5, 5)]
    assert [view.name for view in swept.views] == ["zoom 1", "zoom 3", "blur 3"]


REFUSED: dict[str, tuple[Callable[[], nn.Module], tuple[float, ...], str]] = {
    "channel gates": (lambda: short(se_net()), ZOOMS, "no gate that weighs branches"),
    "no gate": (lambda: Plain(SIDE, pooled=True), ZOOMS, "no gate that weighs branches"),
    "one zoom": (lambda: short(selective_net()), (1.0,), "start at 1"),
    "no picture as it is": (lambda: short(selective_net()), (1.5, 2.0), "start at 1"),
    "a zoom out": (lambda: short(selective_net()), (1.0, 0.5), "start at 1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_swept_is_refused_with_a_sentence(name: str, photos: Path) -> None:
    module, zooms, sentence = REFUSED[name]
    with pytest.raises(ValueError, match=sentence):
        sweep(Inspector(network(module(), SIDE)), open_source(photos), zooms=zooms)


def test_without_a_picture_there_is_no_sweep(selective: Inspector, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="none of 1 pictures"):
        sweep(selective, open_source(write(tmp_path, {"a.jpg": broken()})))


# ---- networks whose branches answer to one thing


class Answering(nn.Module):
    """Two branches, the second of which wins the more, the more there is of what is measured."""

    def __init__(self, measure: Callable[[Tensor], Tensor], gain: float) -> None:
        super().__init__()
        self.measure, self.gain = measure, gain
        self.linear = nn.Linear(3, len(CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        features = self.measure(x)
        split = torch.stack([features, 0.5 * features], dim=1)
        z = split.sum(dim=1).mean(dim=(2, 3))
        weights = torch.stack([-self.gain * z, self.gain * z], dim=1).softmax(dim=1)
        return self.linear((split * weights[..., None, None]).sum(dim=1).mean(dim=(2, 3)))


def brightness(x: Tensor) -> Tensor:
    return x


def detail(x: Tensor) -> Tensor:
    """How far each place is from the mean of its neighbours."""
    return (x - nn.functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)).abs()


def discs(count: int, side: int) -> list[np.ndarray]:
    """A bright disc in the middle of a dark picture, each of another size, that fills less than half of both sides."""
    across, down = np.meshgrid(np.arange(side), np.arange(side))
    far = np.hypot(across - side / 2, down - side / 2)
    return [
        np.repeat((60 + 140 * (far < side * radius))[..., None], 3, axis=2).astype(np.uint8) for radius in np.linspace(0.1, 0.22, count)
    ]


def textures(count: int, side: int) -> list[np.ndarray]:
    """Noise with as much of every size, as in photographs: an amplitude of 1 / frequency."""
    random = np.random.default_rng(0)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    frequency[0, 0] = np.inf
    noise = [np.fft.ifft2(np.fft.fft2(random.normal(size=(side, side))) / frequency).real for _ in range(count)]
    return [np.repeat((128 + 40 * each / each.std()).clip(0, 255)[..., None], 3, axis=2).astype(np.uint8) for each in noise]


def of(measure: Callable[[Tensor], Tensor], gain: float, made: list[np.ndarray], folder: Path) -> dict[str, float]:
    """The slopes of a network that answers to the measure alone."""
    for place, picture in enumerate(made):
        Image.fromarray(picture).save(folder / f"{place}.png")
    torch.manual_seed(0)
    inspector = Inspector(network(Answering(measure, gain).eval(), 64))
    (gate,) = sweep(inspector, open_source(folder)).gates
    return {name: slope.mean for name, slope in gate.slope.items()}


def test_a_branch_that_answers_to_size_is_told(tmp_path: Path) -> None:
    slope = of(brightness, 0.5, discs(8, 64), tmp_path)
    assert slope["zoom"] > 0.1 and abs(slope["blur"]) < 0.05 * slope["zoom"]
    assert slope["size"] == pytest.approx(slope["zoom"], rel=0.05)


def test_a_branch_that_answers_to_blur_alone_is_told_by_the_control(tmp_path: Path) -> None:
    slope = of(detail, -20, textures(12, 256), tmp_path)  # which the network shrinks as photographs are shrunk
    assert slope["zoom"] > 0.03 and abs(slope["size"]) < 0.25 * slope["zoom"]
    assert slope["blur"] == pytest.approx(slope["zoom"], rel=0.25)
