"""How commands end."""

import json
import subprocess
from pathlib import Path

import pytest

from commands.terminal import Failed, command


def ended(main: object, capsys: pytest.CaptureFixture[str]) -> tuple[object, str]:
    with pytest.raises(SystemExit) as end:
        command(main)  # type: ignore[arg-type]
    return end.value.code, capsys.readouterr().err


def test_a_failure_names_reason_log_and_next_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "part.log"
    log.write_text("".join(f"line {n}\n" for n in range(100)))

    def main() -> None:
        raise Failed("it ended", log=log, todo="make up")

    code, said = ended(main, capsys)
    assert code == 1
    assert "FAILED: it ended" in said
    assert "line 99" in said
    assert "line 50" not in said
    assert f"log: {log}" in said
    assert "next: make up" in said


def test_of_a_task_log_only_the_errors_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "attempt=1.log"
    entries = [
        {"level": "info", "event": "starting"},
        {
            "level": "error",
            "event": "Task failed with exception",
            "error_detail": [{"exc_type": "HourFailed", "exc_value": "2026-11-18T13:00:00Z: records_unknown"}],
        },
    ]
    log.write_text("\n".join(map(json.dumps, entries)) + '\n{"level": "error", "cut sho')

    def main() -> None:
        raise Failed("not verified", log=log)

    said = ended(main, capsys)[1]
    assert "  | Task failed with exception\n  | HourFailed: 2026-11-18T13:00:00Z: records_unknown\n" in said
    assert "starting" not in said


def test_a_log_that_was_never_written_does_not_hide_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def main() -> None:
        raise Failed("it ended", log=tmp_path / "none.log")

    assert "FAILED: it ended" in ended(main, capsys)[1]


def test_an_interrupt_says_that_the_stack_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        raise KeyboardInterrupt

    code, said = ended(main, capsys)
    assert code == 130
    assert "make down" in said


def test_other_errors_are_not_hidden() -> None:
    def main() -> None:
        raise subprocess.SubprocessError("a bug")

    with pytest.raises(subprocess.SubprocessError):
        command(main)
