"""The training recipe on a handful of photographs: resumable to the bit, and no weight decay where it would kill the gates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from sevis.nets.photographs import Photographs, load_photographs
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.recipes import Recipe
from sevis.nets.se_resnet import se_resnet
from sevis.nets.sk_net import sk_net
from sevis.nets.training import Progress, normalise, parameter_groups, train
from tests.tiny_checkpoints import photograph_files
from tests.tiny_networks import short

RECIPE = Recipe(epochs=3, sizes=((0.5, 16), (0.5, 20)), batch=8, learning_rate=0.05, precision="float32", seed=3)


class Killed(BaseException):
    """The process's end in the middle of a run."""


@pytest.fixture
def photographs(tmp_path: Path) -> Photographs:
    """Eight: no more than a batch, so that no worker processes are started."""
    return load_photographs(photograph_files(tmp_path / "photographs", 4), "train", 20)


def fresh() -> nn.Module:
    torch.manual_seed(5)
    return short(se_resnet(18, classes=2, width=0.125, reduction=4))


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def stop_at(epoch: int) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if progress.epoch == epoch:
            raise Killed

    return report


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_killed_run_goes_on_as_if_it_had_not_been(precision: str, photographs: Photographs, tmp_path: Path) -> None:
    recipe = replace(RECIPE, precision=precision)
    whole, killed, resumed = fresh(), fresh(), fresh()
    average = train(whole, photographs, recipe, tmp_path / "whole.pt")
    with pytest.raises(Killed):
        train(killed, photographs, recipe, tmp_path / "killed.pt", report=stop_at(2))
    seen: list[tuple[int, int]] = []
    again = train(resumed, photographs, recipe, tmp_path / "killed.pt", report=lambda p: seen.append((p.epoch, p.step)))
    assert seen == [(2, 1), (3, 1)]
    assert equal(average.state_dict(), again.state_dict())
    assert equal(whole.state_dict(), resumed.state_dict())
    assert not equal(whole.state_dict(), fresh().state_dict()) and not equal(whole.state_dict(), average.state_dict())


def test_a_finished_run_is_only_read(photographs: Photographs, tmp_path: Path) -> None:
    first = train(fresh(), photographs, RECIPE, tmp_path / "run.pt")
    steps: list[Progress] = []
    again = train(fresh(), photographs, RECIPE, tmp_path / "run.pt", report=steps.append)
    assert steps == [] and equal(first.state_dict(), again.state_dict())


def test_a_kill_while_writing_leaves_the_old_state_whole(photographs: Photographs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train(fresh(), photographs, RECIPE, tmp_path / "whole.pt")
    saved: list[int] = []
    original = torch.save

    def save(state: object, path: Path) -> None:
        saved.append(1)
        if len(saved) == 2:
            path.write_bytes(b"half a sta")
            raise Killed
        original(state, path)

    with monkeypatch.context() as patched:
        patched.setattr(torch, "save", save)
        with pytest.raises(Killed):
            train(fresh(), photographs, RECIPE, tmp_path / "run.pt")
    assert equal(whole.state_dict(), train(fresh(), photographs, RECIPE, tmp_path / "run.pt").state_dict())


def test_training_lowers_the_loss_and_gives_the_average_in_eval_mode(photographs: Photographs, tmp_path: Path) -> None:
    losses: list[float] = []
    recipe = replace(RECIPE, epochs=12, sizes=((1.0, 16),), ema=0.5, recolouring=0.0, erasing=0.0, smallest_crop=0.8)
    trained = train(fresh(), photographs, recipe, tmp_path / "run.pt", report=lambda p: losses.append(p.loss))
    assert len(losses) == 12 and losses[-1] < 0.8 * losses[0]
    assert not any(part.training for part in trained.modules())
    with torch.no_grad():
        guessed = trained(normalise(torch.from_numpy(photographs.pixels))).argmax(dim=1).numpy()
    assert (guessed == photographs.labels).mean() > 0.5


def test_two_seeds_differ_and_one_repeats(photographs: Photographs, tmp_path: Path) -> None:
    one, same, other = (
        train(fresh(), photographs, replace(RECIPE, seed=seed), tmp_path / f"{n}.pt").state_dict() for n, seed in enumerate((1, 1, 2))
    )
    assert equal(one, same) and not equal(one, other)


# ---- weight decay


def names_of(module: nn.Module, group: dict[str, list[nn.Parameter]]) -> set[str]:
    return {name for name, p in module.named_parameters() if any(p is own for own in group["params"])}


def is_excitation(name: str) -> bool:
    return name.endswith(("se.reduce.weight", "se.expand.weight", "3.reduce.weight", "3.select.weight"))


@pytest.mark.parametrize("make", [lambda: se_resnet(18, width=0.125), lambda: se_resnet(50, width=0.125), lambda: sk_net(26, width=0.5)])
def test_weight_decay_spares_excitation_norms_and_biases(make: Callable[[], nn.Module]) -> None:
    module = make()
    decayed, free, excited = parameter_groups(module, Recipe(weight_decay=5e-4, learning_rate=0.2, excitation_rate=3.0))
    assert [group["weight_decay"] for group in (decayed, free, excited)] == [5e-4, 0.0, 0.0]
    assert [group["lr"] for group in (decayed, free, excited)] == pytest.approx([0.2, 0.2, 0.6])
    every = dict(module.named_parameters())
    convolutions = {f"{path}.weight" for path, part in module.named_modules() if isinstance(part, nn.Conv2d)}
    norms = {f"{path}.{kind}" for path, part in module.named_modules() if "Norm" in type(part).__name__ for kind in ("weight", "bias")}
    excitation = {name for name in every if is_excitation(name)}
    assert excitation and norms
    assert names_of(module, decayed) == convolutions | {"linear.weight"}
    assert names_of(module, free) | names_of(module, excited) == norms | excitation | {"linear.bias"}
    assert names_of(module, excited) >= excitation
    assert sum(len(group["params"]) for group in (decayed, free, excited)) == len(every)


def test_weight_decay_shrinks_only_what_it_may() -> None:
    """A step without gradients: all that moves is what decays."""
    module = fresh()
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    optimizer = torch.optim.SGD(parameter_groups(module, Recipe(weight_decay=1.0, learning_rate=0.1)))
    for p in module.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    for name, p in module.named_parameters():
        spared = is_excitation(name) or p.ndim == 1
        torch.testing.assert_close(p.detach(), before[name] * (1.0 if spared else 0.9))


# ---- sizes and pixels


@pytest.mark.parametrize(
    ("epochs", "sizes", "sides"),
    [
        (10, ((0.3, 64), (0.6, 96), (0.1, 128)), [64] * 3 + [96] * 6 + [128]),
        (40, ((0.3, 64), (0.6, 96), (0.1, 128)), [64] * 12 + [96] * 24 + [128] * 4),
        (1, ((0.3, 64), (0.6, 96), (0.1, 128)), [96]),
        (2, ((0.5, 16), (0.5, 24)), [16, 24]),
        (3, ((1.0, 48),), [48] * 3),
        (4, ((0.25, 16), (0.25, 24)), [16, 24, 24, 24]),
    ],
)
def test_the_side_grows_over_the_epochs(epochs: int, sizes: tuple[tuple[float, int], ...], sides: list[int]) -> None:
    recipe = Recipe(epochs=epochs, sizes=sizes)
    assert [recipe.side(epoch) for epoch in range(epochs)] == sides


def test_training_normalises_as_the_preprocessing_does(photographs: Photographs) -> None:
    shown = [Image.fromarray(pixels.transpose(1, 2, 0)) for pixels in photographs.pixels]
    expected = torch.stack([Preprocessing(20, 20)(picture) for picture in shown])
    torch.testing.assert_close(normalise(torch.from_numpy(photographs.pixels)), expected, atol=1e-6, rtol=1e-6)


def test_the_state_of_another_run_is_refused(photographs: Photographs, tmp_path: Path) -> None:
    state = tmp_path / "state.pt"
    train(fresh(), photographs, RECIPE, state)
    with pytest.raises(ValueError, match="belongs to another run"):
        train(fresh(), photographs, replace(RECIPE, epochs=5), state)
