"""Environments are made whole or made again; a fake uv stands for the downloads."""

from pathlib import Path

import pytest

from commands import install

UV = """#!/bin/sh
echo "$@" >> {calls}
[ "$1" = venv ] && mkdir -p "$5"
[ "$1 $FAIL" = "pip offline" ] && for word in "$@"; do [ "$word" != --offline ] || exit 1; done
[ "$1 $FAIL" != "pip yes" ] || {{ echo "no such version"; exit 1; }}
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two environments; returns the file that tells what uv was asked to do."""
    (tmp_path / "one.txt").write_text("httpx==0.28.1\n")
    (tmp_path / "two.txt").write_text("boto3==1.43.106\n")
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "ENVIRONMENTS", tmp_path / ".venv")
    monkeypatch.setattr(install, "PINS", {"airflow": ["one.txt"], "local": ["two.txt"]})
    uv = tmp_path / "bin/uv"
    uv.parent.mkdir()
    uv.write_text(UV.format(calls=tmp_path / "calls"))
    uv.chmod(0o755)
    monkeypatch.setattr(install, "find_uv", lambda: str(uv))
    return tmp_path / "calls"


def made(calls: Path) -> list[str]:
    """The environments that were made, and forget the calls."""
    lines = calls.read_text().splitlines() if calls.exists() else []
    calls.unlink(missing_ok=True)
    return sorted(Path(line.split()[-1]).name for line in lines if line.startswith("venv"))


def test_both_are_made_once(calls: Path) -> None:
    assert install.main() == 0
    assert all(line.endswith(" --offline") for line in calls.read_text().splitlines() if line.startswith("pip"))
    assert made(calls) == ["airflow", "local"]
    assert install.main() == 0
    assert made(calls) == []


def test_what_the_cache_lacks_is_downloaded(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIL", "offline")
    assert install.main() == 0
    asked = sorted(line for line in calls.read_text().splitlines() if line.startswith("pip"))
    assert asked[1::2] == [f"{online} --offline" for online in asked[::2]]
    assert made(calls) == ["airflow", "local"]


def test_changed_pins_make_their_environment_anew_from_nothing(calls: Path, tmp_path: Path) -> None:
    install.main()
    made(calls)
    left = tmp_path / ".venv/local/left-over"
    left.touch()
    (tmp_path / "two.txt").write_text("boto3==1.43.107\n")
    assert install.main() == 0
    assert made(calls) == ["local"]
    assert not left.exists()


def test_an_install_cut_short_is_made_again(calls: Path, tmp_path: Path) -> None:
    (tmp_path / ".venv/airflow/bin").mkdir(parents=True)
    (tmp_path / ".venv/airflow/bin/python").touch()
    assert not install.is_complete("airflow")
    assert install.main() == 0
    assert made(calls) == ["airflow", "local"]
    assert install.is_complete("airflow")


def test_a_failed_install_is_told_and_does_not_count(
    calls: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAIL", "yes")
    assert install.main() == 1
    assert "no such version" in capsys.readouterr().err
    assert not install.is_complete("airflow")
    assert not install.is_complete("local")


def test_a_project_that_was_moved_gets_new_environments(
    calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install.main()
    moved = tmp_path / "moved"
    (tmp_path / ".venv").rename(moved)
    monkeypatch.setattr(install, "ENVIRONMENTS", moved)
    assert not install.is_complete("airflow")


def test_uv_is_pointed_at_the_index_that_pip_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    monkeypatch.delenv("UV_INDEX_URL", raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    assert install.uv_environment()["UV_DEFAULT_INDEX"] == "http://127.0.0.1:1/simple"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:2/simple")
    assert install.uv_environment()["UV_DEFAULT_INDEX"] == "http://127.0.0.1:2/simple"
