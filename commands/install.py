"""Make the Python environments: all of their packages as pinned, or made again from nothing.

Standard library only. `python3.11 commands/install.py` makes both below `.venv/`, side by side. An environment
counts when its file `complete` says for which pins it was made; that file is written last.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from commands.doctor import find_uv  # noqa: E402

ENVIRONMENTS = ROOT / ".venv"
PINS = {
    "airflow": ["requirements.txt", "requirements-dev.txt"],
    "local": ["local/requirements.txt"],
}
UV = "uv==0.13.8"


def main() -> int:
    ENVIRONMENTS.mkdir(exist_ok=True)
    with (ENVIRONMENTS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two commands must not make one environment
        missing = [name for name in PINS if not is_complete(name)]
        if not missing:
            return 0
        uv = find_uv() or _install_uv()
        with ThreadPoolExecutor() as together:
            faults = [fault for fault in together.map(lambda name: make(name, uv), missing) if fault]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def is_complete(name: str) -> bool:
    """Whether the environment is whole and made for today's pins."""
    stamp = ENVIRONMENTS / name / "complete"
    return stamp.exists() and stamp.read_text() == _digest(name)


def make(name: str, uv: str) -> str | None:
    """Make an environment from nothing; returns what went wrong."""
    started = time.monotonic()
    folder = ENVIRONMENTS / name
    print(f"environment {name}: installing {' and '.join(PINS[name])}", flush=True)
    shutil.rmtree(str(folder), ignore_errors=True)
    pins = [word for path in PINS[name] for word in ("-r", path)]
    install = [uv, "pip", "install", "--quiet", "--python", str(folder), *pins]
    done = _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
    # From uv's cache when it holds everything: an index may serve a source package anew, which is then built anew.
    if not done.returncode and (done := _run([*install, "--offline"])).returncode:
        done = _run(install)
    if done.returncode:
        return f"environment {name}: uv {done.args[1]} failed:\n{done.stdout.decode(errors='replace')}"
    (folder / "complete").write_text(_digest(name))
    print(f"environment {name}: ready after {time.monotonic() - started:.0f} s", flush=True)
    return None


def _digest(name: str) -> str:
    # The path, too: programs in an environment name it, so a project that was moved needs new ones.
    made_for = [*((ROOT / path).read_text() for path in PINS[name]), sys.version, str(ENVIRONMENTS)]
    return hashlib.sha256("\n".join(made_for).encode()).hexdigest()


def _run(argv: list[str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        argv, cwd=str(ROOT), env=uv_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )


def _install_uv() -> str:
    folder = ENVIRONMENTS / "uv"
    uv = folder / "bin/uv"
    if not uv.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(folder / "bin/pip"), "install", "--quiet", UV], check=True)
    return str(uv)


def uv_environment() -> dict[str, str]:
    """uv does not read pip's settings: a machine that has its package index there should need no second ones."""
    environment = dict(os.environ)
    if not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & environment.keys():
        asked = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
        told = subprocess.run(asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode().strip()
        index = environment.get("PIP_INDEX_URL") or told
        if index:
            environment["UV_DEFAULT_INDEX"] = index
    return environment


if __name__ == "__main__":
    sys.exit(main())
