"""What is known against the locked versions: `python -m tests.attack.audit` asks pip-audit, and ends with 1 where somebody has to act.

To act is to take a newer version, so only an advisory that has one within the ranges of requirements.txt is an error. Others are told:
they are for a person to judge. A machine that reaches no advisories is told too, and fails nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
ASK = ("--requirement", "requirements.lock", "--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off")


def ranges() -> dict[str, Requirement]:
    """The requirements of requirements.txt by name."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines())
    return {found.name: found for found in map(Requirement, filter(None, lines))}


def judged(report: Mapping[str, Any], allowed: Mapping[str, Requirement]) -> Iterator[tuple[bool, str]]:
    """Whether somebody has to act, and the sentence, for each advisory; then how many packages were not looked up."""
    unknown = 0
    for each in report["dependencies"]:
        unknown += "skip_reason" in each
        for advisory in each.get("vulns", ()):
            known = allowed.get(each["name"])
            fixes = [fix for fix in advisory["fix_versions"] if known is None or known.specifier.contains(fix)]
            what = f"take {' or '.join(fixes)}" if fixes else "no version that is allowed here has it fixed"
            yield bool(fixes), f"{each['name']} {each['version']}: {advisory['id']}; {what}."
    if unknown:
        yield False, f"{unknown} of {len(report['dependencies'])} packages were not looked up: nothing is known of them here."


def main() -> int:
    """The exit code; the sentences are printed."""
    done = subprocess.run([sys.executable, "-m", "pip_audit", *ASK], cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        told = list(judged(json.loads(done.stdout), ranges()))
    except ValueError:
        print(f"No advisories could be read, so nothing was audited: {(done.stderr.strip().splitlines() or ['no answer'])[-1]}")
        return 0
    print("\n".join(sentence for _, sentence in told) or "No advisory is known against any locked version.")
    return int(any(must for must, _ in told))


if __name__ == "__main__":
    sys.exit(main())
