"""`make doctor` on unfit machines: every fault at once, each with what to do."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import doctor, processes
from commands.processes import Part

KNOBS = ("CLOUD_PORT", "AIRFLOW_PORT", "AIRFLOW_LOG_PORT")


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        yield holder.getsockname()[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def run_doctor(state: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    ports = {knob: str(free_port()) for knob in KNOBS}
    return subprocess.run(
        [sys.executable, doctor.__file__],
        env={**os.environ, "STATE": str(state), **ports, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def fake_java(folder: Path, version: str) -> Path:
    java = folder / "bin/java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    java.chmod(0o755)
    return folder


def test_all_faults_are_told_at_once(tmp_path: Path, taken: int) -> None:
    state = tmp_path / ("x" * 120)
    home = fake_java(tmp_path / "jdk", "11.0.2")
    done = run_doctor(state, JAVA_HOME=str(home), AIRFLOW_PORT=str(taken))
    assert done.returncode == 1
    assert "FAULT Java 17: 11.0.2" in done.stdout
    assert "set JAVA_HOME" in done.stdout
    assert "FAULT state folder" in done.stdout
    assert "make up STATE=" in done.stdout
    assert f"FAULT port {taken}" in done.stdout
    assert f"make up AIRFLOW_PORT={taken + 10000}" in done.stdout
    assert "3 of 9 checks failed" in done.stdout
    assert not state.exists()


def test_a_fit_machine_passes(tmp_path: Path) -> None:
    home = fake_java(tmp_path / "jdk", "17.0.15")
    done = run_doctor(tmp_path / "state", JAVA_HOME=str(home))
    assert done.returncode == 0, done.stdout
    assert "FAULT" not in done.stdout


@pytest.mark.parametrize(
    ("version", "fit"), [("17.0.15", True), ("17", True), ("1.8.0_402", False), ("21.0.1", False), ("170.0", False)]
)
def test_only_java_17_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, fit: bool) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java(tmp_path / "jdk", version)))
    assert (doctor.check_java().todo is None) is fit


def test_java_home_that_holds_no_java_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert doctor.check_java().todo


def test_no_java_at_all_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.check_java().found == "no java on PATH"


def test_a_port_held_by_the_running_stack_is_well(tmp_path: Path) -> None:
    listen = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(600)"
    port = free_port()
    processes.start(Part("part", (sys.executable, "-c", listen, str(port)), port=port), tmp_path, tmp_path)
    try:
        findings = {finding.subject: finding for finding in doctor.examine(tmp_path, {"CLOUD_PORT": port})}
        assert findings[f"port {port}"].todo is None
        assert "runs already" in findings["memory"].found
    finally:
        processes.stop(tmp_path, ["part"], within=0)


def test_a_state_folder_that_cannot_be_written_is_a_fault() -> None:
    assert doctor.check_state(Path("/proc/state")).todo


@pytest.mark.parametrize("name", ["with blank", "comma,", "quote'"])
def test_a_path_that_programs_would_split_is_a_fault(tmp_path: Path, name: str) -> None:
    assert doctor.check_state(tmp_path / name).todo


def test_too_little_disk_or_memory_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "DISK_TO_INSTALL", 10**18)
    monkeypatch.setattr(doctor, "DISK_TO_RUN", 10**18)
    monkeypatch.setattr(doctor, "MEMORY", 10**18)
    assert doctor.check_disk(tmp_path).todo
    assert doctor.check_memory(running=False).todo
    assert doctor.check_memory(running=True).todo is None


def test_uv_that_does_not_work_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\nexit 127\n")
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.find_uv() is None
    uv.write_text("#!/bin/sh\nexit 0\n")
    assert doctor.find_uv() == str(uv)
