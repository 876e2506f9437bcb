"""`make doctor`: is this machine fit? All faults at once, each with what to do, before anything is downloaded.

Standard library only, and runs on any Python from 3.7, because it is what says that Python 3.11 is missing.

    python3 commands/doctor.py            everything that `make up` needs
    python3 commands/doctor.py install    only what the environments and the tests need: no free ports
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from commands.processes import all_running  # noqa: E402

GIGABYTE = 10**9
DISK_TO_INSTALL = 6 * GIGABYTE  # environments 2.3, Spark's jars 0.8, uv's cache of both, and what the sample needs
DISK_TO_RUN = 1 * GIGABYTE
MEMORY = 6 * GIGABYTE  # Airflow 1.1, the local cloud 0.7, two Sparks of 2
SOCKET_PATH = 107  # bytes, Linux: sun_path of unix(7) less its final NUL


class Finding(NamedTuple):
    """One thing that was looked at."""

    subject: str
    found: str
    todo: str | None = None
    """What to do about it; None when it is well."""


def check_python() -> Finding:
    found = "{}.{} ({})".format(*sys.version_info[:2], sys.executable)
    if sys.version_info[:2] != (3, 11):
        return Finding("Python 3.11", found, "install Python 3.11, or name it: make up PYTHON=/path/to/python3.11")
    if not find_uv():
        try:
            import ensurepip  # noqa: F401
        except ImportError:
            return Finding("Python 3.11", found + " without venv", "install python3.11-venv, or uv")
    return Finding("Python 3.11", found)


def check_java() -> Finding:
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin/java")) if home else shutil.which("java")
    todo = "install a Java 17 runtime and put it on PATH, or set JAVA_HOME to it"
    if not java:
        return Finding("Java 17", "no java on PATH", todo)
    try:
        shown = subprocess.run([java, "-version"], stderr=subprocess.PIPE, check=False).stderr.decode()
    except OSError as error:
        return Finding("Java 17", f"JAVA_HOME is {home}: {error}", todo)
    version = re.search(r'version "([^"]+)"', shown)
    if not version:
        return Finding("Java 17", f"{java} does not tell its version", todo)
    if version.group(1).split(".")[0] != "17":
        return Finding("Java 17", f"{version.group(1)} ({java})", todo)
    return Finding("Java 17", f"{version.group(1)} ({java})")


def check_machine() -> Finding:
    if not Path("/proc/self/stat").exists():
        return Finding("Linux", sys.platform, "use Linux (a virtual machine or WSL 2 will do)")
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        todo = "PostgreSQL refuses to run as root: be another user, or install util-linux"
        return Finding("Linux", "root without setpriv", todo)
    return Finding("Linux", "as root, PostgreSQL as nobody" if os.geteuid() == 0 else "as a user")


def check_disk(state: Path) -> Finding:
    installed = all((ROOT / ".venv" / name / "complete").exists() for name in ("airflow", "local"))
    needed = DISK_TO_RUN if installed else DISK_TO_INSTALL
    for folder in (ROOT, _existing(state)):
        free = shutil.disk_usage(str(folder)).free
        if free < needed:
            return Finding("disk", f"{_size(free)} free at {folder}, {_size(needed)} needed", "free some, or set STATE")
    return Finding("disk", f"{_size(free)} free, {_size(needed)} needed")


def check_memory(running: bool) -> Finding:
    available = _available_memory()
    if available < MEMORY and not running:
        found = f"{_size(available)} available, {_size(MEMORY)} needed"
        return Finding("memory", found, "close other programs, or give the machine or container more")
    return Finding("memory", f"{_size(available)} available" + (", the stack runs already" if running else ""))


def check_state(state: Path) -> Finding:
    socket_path = os.fsencode(str(state / "postgres/.s.PGSQL.5432"))
    if len(socket_path) > SOCKET_PATH:
        found = f"{state} is {len(socket_path) - SOCKET_PATH} bytes too long for the database's socket"
        return Finding("state folder", found, "choose a shorter one: make up STATE=/path")
    for path in (state, ROOT):
        if re.search(r"[\s,'\"]", str(path)):
            return Finding("state folder", f"{path} has a blank, comma or quote", "use a path without")
    for folder in (_existing(state), ROOT):
        try:
            tempfile.TemporaryFile(dir=str(folder)).close()
        except OSError as error:
            return Finding("state folder", str(error), "make it writable, or choose another: make up STATE=/path")
    return Finding("state folder", str(state))


def check_port(knob: str, port: int, ours: set[int]) -> Finding:
    if port in ours:
        return Finding(f"port {port}", "held by this stack, which runs")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: one just closed is free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            todo = f"stop the program that holds it, or choose another: make up {knob}={port + 10000}"
            return Finding(f"port {port}", str(error.strerror), todo)
    return Finding(f"port {port}", "free")


def find_uv() -> str | None:
    """A uv on PATH that works (a version manager's stub may not)."""
    uv = shutil.which("uv")
    if uv and subprocess.run([uv, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
        return None
    return uv


def examine(state: Path, ports: dict[str, int]) -> list[Finding]:
    """Look at everything.

    :param ports: knob and number of each port that must be free.
    """
    running = all_running(state)
    ours = {part.port for part in running if part.port}
    return [
        check_machine(),
        check_python(),
        check_java(),
        check_disk(state),
        check_memory(bool(running)),
        check_state(state),
        *(check_port(knob, port, ours) for knob, port in ports.items()),
    ]


def main(argv: list[str]) -> int:
    state = Path(os.environ.get("STATE", str(ROOT / ".state")))
    knobs = [] if argv == ["install"] else ["CLOUD_PORT", "AIRFLOW_PORT", "AIRFLOW_LOG_PORT"]
    findings = examine(state, {knob: int(os.environ[knob]) for knob in knobs})
    faults = [finding for finding in findings if finding.todo]
    for finding in findings:
        print(f"  {'FAULT' if finding.todo else 'ok   '} {finding.subject}: {finding.found}")
        if finding.todo:
            print(f"        -> {finding.todo}")
    if faults:
        print(f"{len(faults)} of {len(findings)} checks failed; nothing was downloaded or started.")
        return 1
    if not (ROOT / ".venv/local/complete").exists():
        print("The first `make up` downloads about 1.8 GB and takes 4 to 10 minutes; later ones a few seconds.")
    return 0


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _available_memory() -> int:
    meminfo = Path("/proc/meminfo").read_text()
    amounts = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in meminfo.splitlines()}
    available = amounts["MemAvailable"]
    try:  # a container's limit (control groups v2)
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        available = min(available, limit - used)
    except (OSError, ValueError):  # no container, or its limit is "max"
        pass
    return available


def _size(count: int) -> str:
    return f"{count / GIGABYTE:.1f} GB"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
