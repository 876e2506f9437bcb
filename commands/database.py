"""Airflow's metadata database: PostgreSQL from the wheel `pgserver`, on a socket below STATE, on no port.

Only the wheel's programs are used. Its Python part believes any process id it finds in `postmaster.pid`, and as
root opens every folder above the data to everybody.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

from commands.processes import Part
from commands.settings import Settings
from commands.terminal import Failed

NAME = "airflow"


def data_folder(settings: Settings) -> Path:
    """The cluster; its socket is in it, so the path must be short (`make doctor` checks)."""
    return settings.state / "postgres"


def url(settings: Settings) -> str:
    """SQLAlchemy's address of Airflow's database."""
    return f"postgresql+psycopg2://{NAME}@/{NAME}?host={quote(str(data_folder(settings)))}"


def part(settings: Settings) -> Part:
    """The server. SIGINT is its *fast* shutdown: it does not wait for clients to leave."""
    data = data_folder(settings)
    return Part(
        name="postgres",
        argv=(
            *_as_somebody(),
            str(_program(settings, "postgres")),
            *("-D", str(data), "-c", "listen_addresses=", "-c", f"unix_socket_directories={data}"),
        ),
        stop_signal=signal.SIGINT,
    )


def prepare(settings: Settings) -> None:
    """Make the cluster if there is none, and clear what a killed server left. The server must not run.

    :raises Failed: when it cannot be made, with the words of `initdb`.
    """
    data = data_folder(settings)
    if not data.exists():
        making = data.with_suffix(".making")  # a half-made cluster looks whole to the server
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True, mode=0o700)
        if os.geteuid() == 0:
            somebody = pwd.getpwnam("nobody")
            os.chown(making, somebody.pw_uid, somebody.pw_gid)
        _run(settings, "initdb", "-D", str(making), "-U", NAME, "--auth=trust", "--encoding=UTF8", "--no-locale")
        making.rename(data)
    # No process of the server lives (its record's lock is free), whoever has the process id in these today.
    for left in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        (data / left).unlink(missing_ok=True)


def answers(settings: Settings) -> bool:
    """Whether the server takes connections."""
    probe = [str(_program(settings, "pg_isready")), "-q", "-h", str(data_folder(settings)), "-U", NAME]
    return subprocess.run(probe, check=False).returncode == 0


def recreate(settings: Settings) -> None:
    """Make Airflow's database anew, empty."""
    for statement in (f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)", f"CREATE DATABASE {NAME}"):
        _run(
            settings,
            *("psql", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(data_folder(settings))),
            *("-U", NAME, "-d", "postgres", "-c", statement),
        )


def _program(settings: Settings, name: str) -> Path:
    libraries = settings.airflow_bin.parent / "lib"
    return next(libraries.glob("python3.*")) / "site-packages/pgserver/pginstall/bin" / name


def _run(settings: Settings, program: str, *arguments: str) -> None:
    argv = [*_as_somebody(), str(_program(settings, program)), *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, cwd="/", check=False)
    if done.returncode:
        raise Failed(f"{program} failed: {done.stderr.strip()}")


def _as_somebody() -> tuple[str, ...]:
    """PostgreSQL refuses to run as root. Then it runs as `nobody` with just one of root's rights, to pass folders
    that are root's own, so that none needs to be opened to everybody. (The secure bit lets access(2), with which
    the programs look for each other, know of that right, too.)"""
    if os.geteuid() != 0:
        return ()
    nobody = pwd.getpwnam("nobody")
    return (
        "setpriv",
        f"--reuid={nobody.pw_uid}",
        f"--regid={nobody.pw_gid}",
        "--clear-groups",
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
        "--securebits=+no_setuid_fixup",
        "--",
    )
