"""A picture goes in, an Inspection comes out: targets, batches, precisions, devices, and networks that are not ours."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms import v2

import sevis
from sevis.inspector import Inspector
from sevis.loading import choose_device, wrap
from sevis.nets.preprocessing import Preprocessing
from sevis.records import GateAverage, Inspection
from tests.tiny_networks import CLASSES, Plain, alive, network, pictures, se_net, selective_net, short

MAKERS: dict[str, Callable[[], nn.Module]] = {"SE": lambda: short(se_net()), "SK": lambda: short(selective_net())}
SIDE = 24


@pytest.fixture(scope="module", params=MAKERS)
def inspector(request: pytest.FixtureRequest) -> Inspector:
    return Inspector(network(MAKERS[request.param](), SIDE, name=request.param))


def logits_of(inspector: Inspector, shown: list[np.ndarray]) -> Tensor:
    with torch.no_grad():
        return inspector.module(torch.stack([inspector.tensor(picture) for picture in shown]))


def assert_alike(one: Inspection, other: Inspection, tolerance: float = 1e-5) -> None:
    """The same answer within the tolerance of each array's largest value."""
    assert (one.model, one.sites, one.warnings) == (other.model, other.sites, other.warnings)
    assert (one.target.index, one.target.label) == (other.target.index, other.target.label)
    assert np.array_equal(one.image, other.image)
    assert one.score == pytest.approx(other.score, abs=tolerance * 10)
    pairs: list[tuple[Any, Any]] = list(zip(one.influence, other.influence, strict=True))
    pairs += [(a.values, b.values) for a, b in zip(one.cams, other.cams, strict=True)]
    for a, b in zip(one.gates, other.gates, strict=True):
        pairs += [(getattr(a, name), getattr(b, name)) for name in ("squeeze", "hidden", "logits", "weights")]
    for found, expected in pairs:
        assert found.shape == expected.shape and found.dtype == expected.dtype == np.float32
        assert np.abs(found - expected).max() <= tolerance * max(1, np.abs(expected).max())


def test_an_inspection_holds_one_picture(inspector: Inspector) -> None:
    (picture,) = pictures(1, 40)
    inspection = inspector.inspect(picture, "dog")
    assert (inspection.model, inspection.device) == (inspector.name, "cpu")
    assert inspection.sites == inspector.sites and len(inspection.gates) == len(inspection.influence) == len(inspection.cams) == 4
    branches = {"SE": 1, "SK": 2}[inspector.name]
    for record, influence, cam in zip(inspection.gates, inspection.influence, inspection.cams, strict=True):
        channels = record.site.channels
        assert record.weights.shape == record.logits.shape == influence.shape == (1, branches, channels)
        assert record.squeeze.shape == (1, channels)
        assert record.hidden is not None and len(record.hidden) == 1
        assert (
            record.maps is not None
            and record.maps.shape == (1, branches, channels, *cam.values.shape[1:])
            and record.maps.dtype == np.float16
        )
        assert cam.values.min() >= 0 and cam.values.max() in (0, 1) and cam.peak.shape == (1,)
        assert {part.dtype for part in (record.weights, record.logits, record.squeeze, influence, cam.values)} == {np.dtype(np.float32)}
    assert inspection.seconds > 0 and inspection.warnings == () and inspection.averages == ()


def test_predictions_are_the_softmax_of_the_logits(inspector: Inspector) -> None:
    shown = pictures(3, SIDE)
    for picture, logits in zip(shown, logits_of(inspector, shown).double().numpy(), strict=True):
        inspection = inspector.inspect(picture)
        probabilities = np.exp(logits) / np.exp(logits).sum()
        order = np.argsort(-probabilities)
        assert [p.index for p in inspection.predictions] == order.tolist()
        assert [p.label for p in inspection.predictions] == [CLASSES[index] for index in order]
        np.testing.assert_allclose([p.probability for p in inspection.predictions], probabilities[order], rtol=1e-4)
        assert inspection.target == inspection.predictions[0]
        assert inspection.score == pytest.approx(logits.max(), abs=1e-5)


@pytest.mark.parametrize(("target", "index"), [(0, 0), (4, 4), ("ant", 0), ("dog", 3), (None, None), (np.int64(2), 2)])
def test_a_class_is_named_by_its_index_its_label_or_not_at_all(inspector: Inspector, target: Any, index: int | None) -> None:
    (picture,) = pictures(1, SIDE)
    (logits,) = logits_of(inspector, [picture])
    expected = int(logits.argmax()) if index is None else index
    inspection = inspector.inspect(picture, target)
    assert (inspection.target.index, inspection.target.label) == (expected, CLASSES[expected])
    assert inspection.score == pytest.approx(float(logits[expected]), abs=1e-5)
    assert {cam.target for cam in inspection.cams} == {expected}
    assert inspection.last_cam is not None and inspection.last_cam.target == expected


@pytest.mark.parametrize(
    ("target", "choices"),
    [
        ("yak", "choose from ant, bee, cat, dog, emu"),
        ("", "choose from ant"),
        ("Dog", "choose from ant"),
        (5, "choose from 0 to 4"),
        (-1, "choose from 0 to 4"),
        (10**9, "choose from 0 to 4"),
    ],
)
def test_an_unknown_class_is_refused_with_the_choices(inspector: Inspector, target: Any, choices: str) -> None:
    with pytest.raises(ValueError, match=choices) as refused:
        inspector.inspect(pictures(1, SIDE)[0], target)
    assert repr(target) in str(refused.value) and inspector.name in str(refused.value)


def test_of_many_classes_a_dozen_is_listed() -> None:
    module = MAKERS["SE"]()
    module.linear = nn.Linear(64, 1000)
    inspector = Inspector(replace(network(module, SIDE), classes=tuple(f"class {n}" for n in range(1000))))
    with pytest.raises(ValueError, match=r"choose from class 0, .*class 11 \.\.\.$"):
        inspector.inspect(pictures(1, SIDE)[0], "yak")


def test_a_batch_is_one_at_a_time(inspector: Inspector) -> None:
    shown, targets = pictures(5, SIDE), [None, 0, "emu", 2, None]
    together = inspector.inspect_batch(shown, targets)
    assert len(together) == 5
    for picture, target, whole in zip(shown, targets, together, strict=True):
        (alone,) = inspector.inspect_batch([picture], [target])
        assert_alike(whole, alone, 1e-4)
    assert len({inspection.score for inspection in together}) == 5


def png(picture: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


def test_every_kind_of_source_gives_the_same(inspector: Inspector, tmp_path: Path) -> None:
    (picture,) = pictures(1, 30)
    path = tmp_path / "picture.png"
    path.write_bytes(png(picture))
    expected = inspector.inspect(picture, 1)
    for source in (png(picture), path, str(path), Image.fromarray(picture)):
        assert_alike(inspector.inspect(source, 1), expected, 0)


def test_notes_on_the_picture_become_warnings(inspector: Inspector) -> None:
    grey = Image.fromarray(pictures(1, 30)[0]).convert("RGBA")
    grey.putalpha(100)
    assert any("transparent" in sentence.lower() for sentence in inspector.inspect(grey).warnings)


def test_an_unreadable_picture_is_refused(inspector: Inspector) -> None:
    with pytest.raises(sevis.PictureError):
        inspector.inspect(b"no picture")


@pytest.mark.parametrize("shape", [(24, 24), (60, 24), (24, 70), (30, 41)])
def test_the_image_is_the_crop_as_the_network_saw_it(inspector: Inspector, shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    inspection = inspector.inspect(picture)
    expected = np.asarray(Preprocessing(SIDE, SIDE).crop(Image.fromarray(picture)))
    assert inspection.image.dtype == np.uint8 and np.array_equal(inspection.image, expected)


# ---- networks that are not ours


def test_wrap_takes_torchvision_transforms() -> None:
    transform = v2.Compose(
        [
            v2.ToImage(),
            v2.Resize(32, antialias=True),
            v2.CenterCrop(SIDE),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([0.5, 0.4, 0.3], [0.2, 0.3, 0.4]),
        ]
    )
    (picture,) = pictures(1, 40)
    inspection = wrap(MAKERS["SE"](), transform, CLASSES).inspect(picture)
    expected = v2.functional.center_crop(v2.functional.resize(Image.fromarray(picture), 32, antialias=True), SIDE)
    assert inspection.model == "ResNet"
    assert np.abs(inspection.image.astype(int) - np.asarray(expected)).max() <= 1
    assert wrap(MAKERS["SE"](), transform, CLASSES, name="mine").name == "mine"


def test_wrap_refuses_what_is_no_transform() -> None:
    with pytest.raises(TypeError, match="the transform is NoneType, expected a callable"):
        wrap(MAKERS["SE"](), None, CLASSES)


@pytest.mark.parametrize("count", [4, 6])
def test_wrap_refuses_names_that_do_not_pair_up_with_the_logits(count: int) -> None:
    with pytest.raises(ValueError, match=rf"gives 5 logits.*{count} class names"):
        wrap(MAKERS["SE"](), Preprocessing(SIDE, SIDE), [f"class {n}" for n in range(count)])


class Answering(nn.Module):
    """A network that answers in another form."""

    def __init__(self, form: Callable[[Tensor, Tensor], object]) -> None:
        super().__init__()
        self.net = MAKERS["SE"]()
        self.form = form

    def forward(self, x: Tensor) -> object:
        return self.form(self.net(x), x)


@pytest.mark.parametrize(
    "form",
    [lambda y, x: (y, x), lambda y, x: [x, y], lambda y, x: {"features": x, "logits": y}],
    ids=["tuple", "list", "dictionary"],
)
def test_the_logits_are_found_in_what_a_network_answers(form: Any) -> None:
    (picture,) = pictures(1, SIDE)
    bare = Inspector(network(MAKERS["SE"](), SIDE)).inspect(picture, 2)
    other = Inspector(network(Answering(form), SIDE)).inspect(picture, 2)
    assert other.score == pytest.approx(bare.score, abs=1e-6)
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(bare.influence, other.influence, strict=True))


def test_what_gives_no_logits_is_refused() -> None:
    with pytest.raises(TypeError, match=r"returned tuple, expected logits \(N, classes\)"):
        Inspector(network(Answering(lambda y, x: (x, "text")), SIDE))


@pytest.mark.parametrize(
    "make",
    [
        lambda: alive(Plain(SIDE, pooled=True)),
        lambda: alive(Plain(SIDE, pooled=False)),
        lambda: alive(timm.create_model("resnet18", num_classes=5, channels=(8, 16, 16, 16), stem_width=8)),
    ],
    ids=["pooled", "flattened", "timm's resnet18"],
)
def test_a_network_without_gates_gives_predictions_and_its_last_map(make: Callable[[], nn.Module]) -> None:
    side = 64 if "resnet" in str(make().__class__).lower() else SIDE
    inspector = Inspector(network(make(), side))
    inspection = inspector.inspect(pictures(1, side)[0])
    assert (inspection.gates, inspection.influence, inspection.cams) == ((), (), ())
    assert len(inspection.predictions) == 5
    assert sum(p.probability for p in inspection.predictions) == pytest.approx(1)
    assert inspection.last_cam is not None and inspection.last_cam.values.shape[0] == 1 and inspection.last_cam.values.shape[1] > 1
    assert len(inspection.warnings) == 1 and inspection.warnings[0].startswith("No channel gate was found")


def test_averages_are_kept_where_they_pair_up_with_the_gates() -> None:
    base = network(MAKERS["SE"](), SIDE)
    sites = Inspector(base).sites
    averages = tuple(GateAverage(s.path, np.full((1, s.channels), 0.5), np.full((1, s.channels), 0.1), 7) for s in sites)
    (picture,) = pictures(1, SIDE)
    inspection = Inspector(replace(base, averages=averages)).inspect(picture)
    assert inspection.averages == averages
    deviation = inspection.deviation(1)
    assert deviation is not None
    np.testing.assert_allclose(deviation, (inspection.gates[1].weights - 0.5) / 0.1, rtol=1e-5)
    assert Inspector(replace(base, averages=averages[:-1])).inspect(picture).averages == ()


# ---- precision, layout, device


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-4), (torch.float16, 2e-2), (torch.bfloat16, 8e-2)])
def test_other_precisions_give_float32_records(dtype: torch.dtype, tolerance: float) -> None:
    for make in MAKERS.values():
        (picture,) = pictures(1, SIDE)
        exact = Inspector(network(make(), SIDE)).inspect(picture, 1)
        other = Inspector(network(make().to(dtype), SIDE)).inspect(picture, 1)
        assert other.warnings == ()
        for one, two in zip(exact.gates, other.gates, strict=True):
            assert {two.weights.dtype, two.squeeze.dtype, two.logits.dtype} == {np.dtype(np.float32)}
            assert np.abs(one.weights - two.weights).max() <= tolerance
            assert np.abs(one.squeeze - two.squeeze).max() <= tolerance * max(1, np.abs(one.squeeze).max())
        for one, two in zip(exact.influence, other.influence, strict=True):
            assert two.dtype == np.float32 and np.abs(one - two).max() <= 2 * tolerance * max(1, np.abs(one).max())
        for cam in (*other.cams, other.last_cam):
            assert cam is not None and cam.values.dtype == np.float32


def test_channels_last_gives_the_same() -> None:
    for make in MAKERS.values():
        (picture,) = pictures(1, SIDE)
        usual = Inspector(network(make(), SIDE)).inspect(picture, 1)
        last = Inspector(network(make().to(memory_format=torch.channels_last), SIDE)).inspect(picture, 1)
        assert_alike(usual, last, 1e-4)


def test_nbytes_is_what_the_weights_take() -> None:
    module = MAKERS["SE"]()
    numbers = sum(values.numel() * values.element_size() for values in module.state_dict().values())
    assert Inspector(network(module, SIDE)).nbytes == numbers
    assert Inspector(network(module.half(), SIDE)).nbytes < 0.6 * numbers


def test_the_shape_of_the_input_is_told(inspector: Inspector) -> None:
    assert inspector.input_shape == (3, SIDE, SIDE)


@pytest.mark.parametrize("device", ["nonsense", "", "tpu", "cuda:x", "meta"])
def test_an_unknown_device_is_refused_with_what_there_is(device: str) -> None:
    with pytest.raises(ValueError, match=r"choose from auto, .*cpu"):
        choose_device(device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_cuda_is_refused_where_there_is_none() -> None:
    with pytest.raises(ValueError, match=r"no device 'cuda' here; choose from auto, .*cpu"):
        choose_device("cuda")
    assert choose_device("auto").type in ("cpu", "mps")


def test_the_cpu_is_always_there() -> None:
    assert choose_device("cpu") == choose_device(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("kind", MAKERS)
def test_a_gpu_gives_the_cpus_numbers(kind: str) -> None:
    (picture,) = pictures(1, SIDE)
    module = MAKERS[kind]()
    inspector = wrap(module, Preprocessing(SIDE, SIDE), CLASSES, device="cuda")
    assert inspector.device.type == "cuda" and next(module.parameters()).device.type == "cpu"
    assert_alike(inspector.inspect(picture, 1), wrap(module, Preprocessing(SIDE, SIDE), CLASSES).inspect(picture, 1), 1e-3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_2000_maps_leave_no_memory_on_a_gpu() -> None:
    inspector = wrap(MAKERS["SK"](), Preprocessing(SIDE, SIDE), CLASSES, device="cuda")
    shown, taken = pictures(10, SIDE), []
    for n in range(200):
        inspector.inspect_batch(shown, [n % 5] * 10)
        taken.append(torch.cuda.memory_allocated())
    assert max(taken[10:]) == taken[10]


def test_an_inspection_knows_what_it_was_made_with(tmp_path: Path) -> None:
    inspector = Inspector(network(se_net(), SIDE))
    inspection = inspector.inspect(pictures(1)[0])
    assert inspection.provenance is not None and inspection.provenance == inspector.provenance
    state = sorted(inspector.module.state_dict().items())
    digest = hashlib.sha256(
        b"".join(f"{name} {each.dtype} {tuple(each.shape)}\n".encode() + each.numpy().tobytes() for name, each in state)
    ).hexdigest()
    assert inspection.provenance.weights_sha256 == digest
    assert sevis.open_inspection(inspection.save(tmp_path / "one.npz")).provenance == inspection.provenance
    other = Inspector(network(se_net(), SIDE))
    with torch.no_grad():
        next(other.module.parameters()).mul_(2)
    assert other.provenance.weights_sha256 != digest
