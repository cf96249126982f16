"""`import sevis` is light and lazy, its names are where they belong, and its core needs no third party that it can do without."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import sevis
from tests.tiny_checkpoints import ship

ROOT = Path(__file__).parents[1]
OPTIONAL = ("torchvision", "timm", "captum", "plotly", "streamlit")

BLOCKER = f"""
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {OPTIONAL!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
"""


def run(code: str, *arguments: str) -> str:
    """What a fresh process prints that runs the code with every warning an error."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments], capture_output=True, text=True, check=False, cwd=ROOT, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_it_loads_neither_torch_nor_numpy() -> None:
    code = "import sys, time; before = set(sys.modules); import sevis; print(time.process_time(), *sorted(set(sys.modules) - before))"
    seconds, *loaded = run(code).split()
    assert "sevis" in loaded and not {"torch", "numpy", "PIL", "safetensors", *OPTIONAL} & set(loaded)
    assert [name for name in loaded if name.startswith("sevis.")] == []
    assert float(seconds) < 1.5  # torch alone takes longer than Python's own start by seconds


@pytest.mark.parametrize("name", ["sevis.records", "sevis.pictures"])
def test_the_vocabulary_needs_no_torch(name: str) -> None:
    assert run(f"import sys, {name}; print('torch' in sys.modules)") == "False"


def test_asking_for_a_record_loads_no_torch() -> None:
    assert run("import sys, sevis; sevis.Inspection; sevis.PictureError; print('torch' in sys.modules)") == "False"


def test_every_offered_name_is_there_and_at_home() -> None:
    assert sorted(sevis.__all__) == sorted(sevis._HOMES)
    for name in sevis.__all__:
        home = importlib.import_module(sevis._HOMES[name])
        assert callable(getattr(sevis, name))
        if name not in ("capture", "scan"):  # the modules of these names take their places once they are imported
            assert getattr(sevis, name) is getattr(home, name)


def test_dir_lists_the_names() -> None:
    names = run("import sevis; print(*dir(sevis))").split()
    assert set(sevis.__all__) <= set(names) and names == sorted(names) and "__version__" in names


def test_an_unknown_name_is_refused_with_the_choices() -> None:
    with pytest.raises(
        AttributeError,
        match=r"^module 'sevis' has no attribute 'inspect'; it offers CheckpointError, .*Inspection, InspectionError, Inspector, .*wrap$",
    ):
        _ = sevis.inspect
    with pytest.raises(ImportError, match="cannot import name 'inspect'"):
        exec("from sevis import inspect")


ORDERS = {
    "fresh": "import sevis",
    "the package before": "import sevis.capture; import sevis",
    "the package after": "import sevis; sevis.capture; import sevis.capture",
    "its file before": "import sevis.capture.tracer; import sevis",
    "by name": "import sevis; from sevis import capture; assert callable(capture); from sevis.capture import capture as c; assert c",
    "the inspector before": "import sevis; sevis.Inspector",
}
USE = f"""
import sys, torch
for order, lines in {ORDERS!r}.items():
    for name in [name for name in sys.modules if name.split(".")[0] == "sevis"]:
        del sys.modules[name]  # as in a fresh process, but for torch, which takes seconds
    exec(lines)
    sevis = sys.modules["sevis"]
    from sevis.nets.se_resnet import se_resnet
    module = se_resnet(18, classes=3, width=0.125).eval()
    with sevis.capture(module, maps=True) as tape:
        module(torch.randn(1, 3, 8, 8))
    print(order, len(tape.records()), tape.records()[0].maps is not None)
"""


def test_capture_can_be_called_whatever_was_imported_before() -> None:
    assert run(USE).splitlines() == [f"{order} 8 True" for order in ORDERS]


CORE = f"""
{BLOCKER}
import importlib
from pathlib import Path
folder = Path(sys.argv[1])
import sevis
for name in "records pictures inspector capture capture.cams capture.twin nets.zoo nets.training card engine".split():
    importlib.import_module("sevis." + name)
from sevis.nets.zoo import load_network
from sevis.inspector import Inspector
import numpy as np
inspector = sevis.Inspector(load_network("tiny/net", folder))
inspection = inspector.inspect(np.zeros((20, 30, 3), np.uint8), "dog")
assert inspection.target.label == "dog" and len(inspection.cams) == 8 and inspection.last_cam is not None
for name in {OPTIONAL!r}:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        continue
    raise SystemExit(name + " was not missing")
print(len(inspection.gates), *sorted(set({OPTIONAL!r}) & {{name.split(".")[0] for name in sys.modules}}))
"""


def test_the_core_works_where_the_optional_parts_are_missing(tmp_path: Path) -> None:
    ship(tmp_path)
    assert run(CORE, str(tmp_path)) == "8"


def test_load_gives_a_shipped_network_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sevis.nets.zoo as zoo

    ship(tmp_path)
    monkeypatch.setattr(zoo, "PRETRAINED", tmp_path)
    inspector = sevis.load("tiny/net", device="cpu")
    assert (inspector.name, str(inspector.device), len(inspector.sites)) == ("tiny/net", "cpu", 8)
    with pytest.raises(ValueError, match=r"There is no network 'tiny/nett'; choose from tiny/net\."):
        sevis.load("tiny/nett")
    with pytest.raises(ValueError, match="no device 'nonsense' here; choose from auto"):
        sevis.load("tiny/net", device="nonsense")
