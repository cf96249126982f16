"""The monitor: what it logs is what a tape of the probe says, and the training does not notice it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sevis.analysis.looks import read_looks
from sevis.analysis.thresholds import load_thresholds
from sevis.capture import capture
from sevis.monitor import GRACE, PATIENCE, GateMonitor, GateWarning
from sevis.nets.blocks import SqueezeExcitation
from sevis.nets.se_resnet import se_resnet
from tests.tiny_networks import batch, se_net, selective_net

STEPS = 4
PICTURES = 30  # the fewest that the doctor judges
LENIENT = load_thresholds() | {"M4.half": 2.0, "M1.exact": -1.0, "M1.constant": -1.0}


def trained(module: nn.Module, monitor: GateMonitor | None = None) -> dict[str, torch.Tensor]:
    """The weights after a few steps on the same pictures, with dropout-like noise from torch's generator."""
    torch.manual_seed(5)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9)
    module.train()
    for _ in range(STEPS):
        pictures = batch(6, 16) + torch.randn(6, 3, 16, 16)
        loss = F.cross_entropy(module(pictures), torch.arange(6) % 5)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if monitor is not None:
            monitor.step()
    return {key: values.clone() for key, values in module.state_dict().items()}


@pytest.mark.parametrize("make", [se_net, selective_net])
def test_the_training_does_not_notice_that_it_is_watched(make: type) -> None:
    alone, watched = make(), make()
    monitor = GateMonitor(watched, batch(4, 16, seed=9), every=1)
    plain, seen = trained(alone), trained(watched, monitor)
    assert all(torch.equal(plain[key], seen[key]) for key in plain)
    assert watched.training and all(part.training for part in watched.modules())
    assert all(not part._forward_hooks and not part._forward_pre_hooks for part in watched.modules())


def test_every_so_many_steps_a_line_of_what_the_probe_shows(tmp_path: Path) -> None:
    module, probe, log = se_net(), batch(8, 16, seed=9), tmp_path / "gates.jsonl"
    trained(module, GateMonitor(module, probe, every=2, log=log))
    with torch.no_grad(), capture(module.eval()) as tape:
        module(probe)
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [line["step"] for line in lines] == [2, 4]
    for record in tape.records():
        weights = record.weights[:, 0].astype(np.float64)
        told = lines[-1]["gates"][record.site.name]
        assert told["M1"] == pytest.approx(weights.std(axis=0).mean(), rel=0.2)  # with or without Bessel's correction
        assert told["M2"] == pytest.approx(weights.mean(axis=0).std(), rel=0.2)
        assert told["M3"] == pytest.approx((weights > 0.95).mean())


def test_a_log_goes_on_where_it_was(tmp_path: Path) -> None:
    log = tmp_path / "gates.jsonl"
    for _ in range(2):
        GateMonitor(se_net(), batch(4, 16), every=1, log=log).look()
    assert len(log.read_text().splitlines()) == 2


def test_a_training_that_goes_on_is_counted_on(tmp_path: Path) -> None:
    log = tmp_path / "gates.jsonl"
    monitor = GateMonitor(se_net(), batch(4, 16), every=3, log=log, steps=7)
    assert [monitor.step() is not None for _ in range(5)] == [False, True, False, False, True]
    assert [look.step for look in read_looks(log)] == [9, 12]


def collapse(module: nn.Module) -> None:
    with torch.no_grad():
        module.get_submodule("layer3.0.se").expand.weight.zero_()  # every weight is 0.5


def lively() -> nn.Module:
    """A network whose gate SE_4_1 works: its units fire, and its weights vary with the picture."""
    module = se_net()
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, SqueezeExcitation):
                part.reduce.weight.abs_()
                part.expand.weight.mul_(3)
    return module


def warned(monitor: GateMonitor, looks: int, before: Callable[[int], object] = lambda look: None) -> list[tuple[int, str]]:
    """The number of the step, from 1, and the words of each warning of SE_4_1."""
    told = []
    for look in range(1, looks + 1):
        before(look)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            monitor.step()
        told += [(look, str(each.message)) for each in caught if each.category is GateWarning and "SE_4_1" in str(each.message)]
    return told


def test_a_gate_whose_verdict_turns_bad_is_warned_of_once_and_by_name() -> None:
    module = lively()
    monitor = GateMonitor(module, batch(PICTURES, 16), every=2)
    ((look, said),) = warned(monitor, 2 * (2 + 2 * PATIENCE), lambda step: collapse(module) if step == 5 else None)
    assert look == 2 * (2 + PATIENCE) and f"after {look} steps" in said
    assert "SE_4_1 (layer3.0.se) is static (M4 half, 1 against 0.95)" in said and "weight decay" in said


def test_a_gate_that_never_worked_has_longer() -> None:
    module = lively()
    collapse(module)
    ((look, said),) = warned(GateMonitor(module, batch(PICTURES, 16), every=1), GRACE + PATIENCE)
    assert look == GRACE and "M4 half" in said


def test_a_network_that_never_leaves_its_initialisation_is_warned_of() -> None:
    torch.manual_seed(0)
    module = se_resnet(18, classes=3, width=0.125)
    told = warned(GateMonitor(module, batch(PICTURES, 48), every=1), GRACE)
    assert told and all(look == GRACE and "is untrained (untrained, 0." in said and "against" not in said for look, said in told)


def test_a_gate_that_recovers_is_not_warned_of() -> None:
    module = lively()
    kept = module.get_submodule("layer3.0.se").expand.weight.detach().clone()

    def change(look: int) -> None:
        with torch.no_grad():
            module.get_submodule("layer3.0.se").expand.weight.copy_(kept if look % PATIENCE == 0 else torch.zeros_like(kept))

    assert warned(GateMonitor(module, batch(PICTURES, 16), every=1), 3 * PATIENCE, change) == []


@pytest.mark.parametrize(("pictures", "options"), [(PICTURES - 1, {}), (PICTURES, {"warn": False}), (PICTURES, {"thresholds": LENIENT})])
def test_too_few_pictures_or_other_thresholds_or_no_wish_and_nobody_is_warned(pictures: int, options: dict[str, Any]) -> None:
    module = lively()
    collapse(module)
    assert warned(GateMonitor(module, batch(pictures, 16), every=1, **options), GRACE) == []


def test_a_writer_gets_every_metric() -> None:
    told: dict[tuple[str, int], float] = {}

    class Writer:
        def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None:
            told[tag, global_step] = scalar_value

    monitor = GateMonitor(selective_net(), batch(4, 16), every=1, writer=Writer())
    look = monitor.step()
    assert look is not None
    wanted = {
        (f"gates/{name}/{metric}", 1): value
        for name, metrics in look.gates.items()
        for metric, value in metrics.items()
        if value is not None
    }
    assert told == wanted and len(told) > 8 * len(look.gates) / 2


@pytest.mark.parametrize(("every", "count"), [(0, 4), (1, 1)])
def test_what_cannot_be_watched_is_refused(every: int, count: int) -> None:
    with pytest.raises(ValueError, match="expected 1 or more, and 2 or more"):
        GateMonitor(se_net(), batch(count, 16), every=every)
