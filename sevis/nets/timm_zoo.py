"""Networks of timm, by their name there, and networks of the Hugging Face hub that timm can build."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from sevis.nets.downloads import hub_file, url_file
from sevis.nets.imagenet import class_names, told_apart
from sevis.nets.network import Blueprint, CheckpointError, Network, Transform, described

__all__ = ["HUB", "TIMM", "blueprint", "hub_blueprint", "trained", "trained_on_hub"]

TIMM, HUB = "timm/", "hf-hub:"
FILES = ("model.safetensors", "pytorch_model.bin")  # as timm writes them to the hub


def trained(name: str) -> Network:
    """A network of timm, "timm/NAME" or "timm/NAME.TAG", with the weights that timm has for it.

    Raises:
        CheckpointError: timm knows no such name or has no weights for it, or they are out of reach or damaged.
    """
    plain = _known(name)
    path = _weights(plain)
    return _filled(name, path, lambda: _create(plain, pretrained=True, pretrained_cfg_overlay={"file": str(path)}))


def trained_on_hub(name: str) -> Network:
    """A network "hf-hub:ORGANISATION/NAME" of the Hugging Face hub, with its weights; errors as those of `trained`."""
    folder = _hub_folder(name)
    path = hub_file(name.removeprefix(HUB), FILES)
    return _filled(name, path, lambda: _create(folder, pretrained=True, pretrained_cfg_overlay={"file": str(path), "source": None}))


def blueprint(name: str, arguments: Mapping[str, Any]) -> Blueprint:
    """A network of timm without weights; the arguments go to timm.create_model.

    Raises:
        CheckpointError: timm knows no such name.
    """
    return _blueprint(name, _known(name), arguments)


def hub_blueprint(name: str, arguments: Mapping[str, Any]) -> Blueprint:
    """A network of the Hugging Face hub without its weights; only its config.json is needed."""
    return _blueprint(name, _hub_folder(name), arguments)


def _blueprint(name: str, source: str, arguments: Mapping[str, Any]) -> Blueprint:
    def build(logits: int | None) -> nn.Module:
        return _create(source, **(arguments if logits is None else {**arguments, "num_classes": logits}))

    plan = Blueprint(name, build, _transform, ())
    return replace(plan, classes=_classes(plan.sketch()))


def _create(source: str, **arguments: Any) -> nn.Module:
    """timm's module; residual branches that would begin with zeros, where every gate sees nothing, begin with random numbers."""
    import timm

    try:
        module: nn.Module = timm.create_model(source, **arguments, zero_init_last=False)
    except TypeError:  # most networks have no such argument
        module = timm.create_model(source, **arguments)
    return module


def _known(name: str) -> str:
    """The name without its prefix, which timm knows."""
    import timm

    plain = name.removeprefix(TIMM)
    architecture, _, tag = plain.partition(".")
    known = timm.list_models() if not timm.is_model(architecture) else timm.list_pretrained(architecture)
    if not timm.is_model(architecture) or (tag and plain not in (*known, f"{architecture}.untrained")):
        raise CheckpointError(f"timm has no network {plain!r}; {_closest(plain, known)}.")
    return plain


def _weights(plain: str) -> Path:
    """The file with timm's weights."""
    import timm

    config: Any = timm.get_pretrained_cfg(plain)
    if config is None or not config.has_weights:
        raise CheckpointError(f"timm has no trained weights for {plain!r}; pass weights=None for random ones, or load a checkpoint file.")
    if config.hf_hub_id:
        return hub_file(config.hf_hub_id, (config.hf_hub_filename,) if config.hf_hub_filename else FILES)
    return url_file(config.url)


def _hub_folder(name: str) -> str:
    """What timm calls the folder that holds the repository's config.json."""
    import timm

    repository = name.removeprefix(HUB)
    path = hub_file(repository, ("config.json",))
    try:
        architecture = dict(json.loads(path.read_text(encoding="utf-8"))).get("architecture")
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read ({described(error)}); delete it and fetch it again.") from error
    if not isinstance(architecture, str) or not timm.is_model(architecture):
        raise CheckpointError(
            f"The repository {repository!r} is not of a network that timm builds: its config.json says {architecture!r}; choose another."
        )
    return f"local-dir:{path.parent}"


def _filled(name: str, path: Path, build: Callable[[], nn.Module]) -> Network:
    from safetensors import SafetensorError

    try:
        module = build().eval()
    except (SafetensorError, RuntimeError, ValueError, KeyError, EOFError) as error:
        raise CheckpointError(f"The weights of {name} cannot be used ({described(error)}); delete {path} and fetch it again.") from error
    return Network(name, module, _transform(module), _classes(module))


def _classes(module: Any) -> tuple[str, ...]:
    """The names that came with the weights, else those that go with their number."""
    count, config = module.num_classes, module.pretrained_cfg
    if count < 1:
        raise CheckpointError(f"{config.get('architecture', 'This network')} has no classifier; choose one with classes.")
    labels, descriptions = config.get("label_names") or (), config.get("label_descriptions") or {}
    if len(labels) != count:
        return class_names(count)
    return told_apart([str(descriptions.get(label, label)) if isinstance(descriptions, Mapping) else str(label) for label in labels])


def _transform(module: nn.Module) -> Transform:
    """The preprocessing that timm evaluates the network with."""
    from timm.data.config import resolve_model_data_config
    from timm.data.transforms_factory import create_transform

    config: dict[str, Any] = resolve_model_data_config(module)  # type: ignore[no-untyped-call]
    if config["input_size"][0] != 3:
        raise CheckpointError(f"The network takes pictures of {config['input_size'][0]} channels, expected the 3 of a photograph.")
    transform: Transform = create_transform(**config, is_training=False)
    return transform


def _closest(name: str, known: list[str]) -> str:
    closest = difflib.get_close_matches(name, known, 3)
    return f"the closest names are {', '.join(closest)}" if closest else "timm.list_models() has the names"
