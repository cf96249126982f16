"""The doctor's report as plain values, for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sevis.analysis.ablation import Ablated
from sevis.analysis.doctor import Diagnosis
from sevis.analysis.findings import Finding

__all__ = ["report"]


def report(run: str, network: str, pictures: int, diagnoses: Sequence[Diagnosis], ablated: Sequence[Ablated] = ()) -> dict[str, Any]:
    """What was found in every gate, with every number.

    Args:
        run: where it is, or what it is called.
        pictures: how many were read.
        ablated: one a gate; () where nothing was ablated.
    """
    made = [asdict(each)["effects"] for each in ablated] or [{}] * len(diagnoses)
    return {
        "run": run,
        "network": network,
        "pictures": pictures,
        "healthy": not any(each.alarms for each in diagnoses),
        "gates": [_gate(each, effects) for each, effects in zip(diagnoses, made, strict=True)],
    }


def _gate(diagnosis: Diagnosis, effects: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": diagnosis.site.name,
        "path": diagnosis.site.path,
        "verdict": diagnosis.verdict,
        "alarm": bool(diagnosis.alarms),
        "findings": [_finding(finding) for finding in diagnosis.findings],
        "metrics": diagnosis.metrics,
        "ablations": effects,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {name: value for name, value in asdict(finding).items() if name != "site"}
