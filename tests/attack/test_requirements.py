"""The versions: floors where older ones are known to be unsafe, ranges that the lock keeps to, an audit that is red when it should be."""

from __future__ import annotations

import re

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.attack.audit import ROOT, judged, ranges

# the last version with a known hole that sevis could be reached by, and where it is told
UNSAFE = {
    "pillow": ("12.2.0", "the PDF bomb and the loop in EPS"),
    "streamlit": ("1.60.0", "no allowedHosts; UNC paths on Windows before 1.54"),
    "torch": ("2.10.0", "CVE-2025-32434, CVE-2026-24747: weights_only could be got round"),
    "safetensors": ("0.4.1", "before the fixes that followed its audit"),
}


def locked() -> dict[str, Version]:
    """The versions of requirements.lock by name."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    found = [re.match(r"([A-Za-z0-9._-]+)==([^ ;]+)", line) for line in lines if line and not line.startswith("#")]
    assert all(found)
    return {each[1].lower().replace("_", "-"): Version(each[2]) for each in found if each}


@pytest.mark.parametrize("name", UNSAFE)
def test_no_unsafe_version_is_allowed(name: str) -> None:
    allowed, (unsafe, _) = ranges()[name], UNSAFE[name]
    assert not allowed.specifier.contains(unsafe) and not allowed.specifier.contains("0.1")


def test_every_requirement_has_a_floor() -> None:
    assert [each.name for each in ranges().values() if not any(part.operator == ">=" for part in each.specifier)] == []


def test_the_lock_has_every_requirement_within_its_range() -> None:
    versions = locked()
    assert [name for name, each in ranges().items() if not each.specifier.contains(versions[name.lower()])] == []
    assert len(versions) > len(ranges())  # what they need in turn, too


def test_the_lock_names_no_other_place_to_fetch_from() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text and "--" not in text and " @ " not in text


def dependency(name: str, *fixes: str) -> dict[str, object]:
    return {"name": name, "version": "1.0", "vulns": [{"id": "GHSA-1", "fix_versions": list(fixes)}]}


ADVISORIES = {
    "a newer one is allowed": (dependency("pillow", "9", "10"), True, "take 10."),
    "another package's newer one": (dependency("urllib3", "9"), True, "take 9."),
    "nobody has fixed it": (dependency("urllib3"), False, "no version that is allowed"),
    "only a version that is not allowed": (dependency("pillow", "11"), False, "no version that is allowed"),
    "not looked up": ({"name": "pillow", "skip_reason": "no network"}, False, "1 of 1 packages were not looked up"),
}


@pytest.mark.parametrize("case", ADVISORIES)
def test_the_audit_is_red_where_somebody_can_act(case: str) -> None:
    found, must, said = ADVISORIES[case]
    ((acted, sentence),) = judged({"dependencies": [found]}, {"pillow": Requirement("pillow>=10,<11")})
    assert acted == must and said in sentence


def test_nothing_known_is_nothing_said() -> None:
    assert list(judged({"dependencies": [{"name": "pillow", "version": "1", "vulns": []}]}, {})) == []
