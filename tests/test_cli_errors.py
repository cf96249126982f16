"""What goes wrong is one sentence and an exit code, and with --debug, wherever it stands, what was raised."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

import sevis.menu
from sevis.cli import app
from sevis.loading import CheckpointError

ROOT = Path(__file__).parents[1]
COMMANDS = [each.callback.__name__ for each in app.registered_commands if each.callback is not None]
JSON = {"models", "inspect", "summary", "compare", "scan", "query", "doctor"}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})


def failing(error: BaseException) -> object:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_all_commands_are_there_in_order() -> None:
    assert COMMANDS == ["app", "models", "inspect", "summary", "compare", "scan", "query", "doctor", "profile", "report", "train"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_has_an_example_of_that_command(name: str) -> None:
    told = run(name, "--help").output
    assert re.search(rf"Example: (python -m )?sevis {name}\b", told), told
    assert ("--json" in told) == (name in JSON)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_on_the_command_line_lists_it(name: str) -> None:
    told = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| `sevis {name}\b.*$", told, re.MULTILINE)
    assert row.endswith("| yes |") == (name in JSON)


EXPECTED = (ValueError("It cannot be."), CheckpointError("It is damaged."), OSError("It is gone."), ImportError("timm is missing."))


@pytest.mark.parametrize("error", EXPECTED, ids=lambda error: type(error).__name__)
def test_what_cannot_be_done_is_its_sentence_and_2(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sevis.menu, "menu", failing(error))
    result = run("models", "--json")
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"{error}\n")


def test_a_full_memory_is_a_sentence_and_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sevis.menu, "menu", failing(RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.")))
    result = run("models")
    assert result.exit_code == 2 and result.stderr.startswith("The device's memory is full") and result.stderr.count("\n") == 1


def test_a_fault_of_its_own_is_a_sentence_and_70(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sevis.menu, "menu", failing(KeyError("gates")))
    result = run("models")
    assert (
        result.exit_code == 70 and "KeyError: 'gates'" in result.stderr and "--debug" in result.stderr and "Traceback" not in result.stderr
    )


@pytest.mark.parametrize("error", [ValueError("It cannot be."), KeyError("gates")], ids=["expected", "not expected"])
@pytest.mark.parametrize("arguments", [("--debug", "models"), ("models", "--debug"), ("models", "--debug", "--json")], ids=" ".join)
def test_debug_raises_it(arguments: tuple[str, ...], error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sevis.menu, "menu", failing(error))
    assert run(*arguments).exception is error


def test_debug_behind_two_dashes_is_a_word_like_any_other() -> None:
    result = run("query", "--", "--debug")
    assert result.exit_code == 2 and "There is no run in --debug" in result.stderr


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (typer.Exit(3), 3), (typer.Abort(), 1)], ids=repr)
def test_other_ends_keep_their_codes(error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sevis.menu, "menu", failing(error))
    assert run("models").exit_code == code


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("models", "--nonsense"), ("inspect",), ("inspect", "a.jpg", "--by", "size")], ids=" ".join
)
def test_a_command_line_that_cannot_be_read_is_told_with_2(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2 and "Usage: " in result.stderr and not result.stdout


def test_a_reader_who_leaves_early_sees_no_traceback() -> None:
    command = [sys.executable, "-m", "sevis", "models", "--json"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    ) as ran:
        assert ran.stdout is not None and ran.stderr is not None
        ran.stdout.close()
        assert ran.stderr.read() == b""
        assert ran.wait() == 1
