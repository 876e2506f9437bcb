"""The Makefile as its users meet it: help, knobs, what the commands' environment holds, and a safe `clean`."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TARGETS = [
    *("doctor", "up", "down", "clean", "logs"),
    *("send", "prove", "backfill", "status", "quality", "preview", "break", "restore"),
    *("check", "test", "test-full", "bench"),
]
KNOBS = ["STATE", "CLOUD_PORT", "AIRFLOW_PORT", "AIRFLOW_LOG_PORT", "PYTHON"]


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # Not the variables of the `make` that may run these tests: they would count as given by hand.
    inherited = {name: value for name, value in os.environ.items() if name not in KNOBS and "MAKE" not in name}
    return subprocess.run(
        ["make", "-f", str(ROOT / "Makefile"), *arguments],
        env={**inherited, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def environment_of_commands(*arguments: str, **environment: str) -> dict[str, str]:
    done = make("--no-print-directory", "--eval", "environment: ; @env", "environment", *arguments, **environment)
    assert done.returncode == 0, done.stderr
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


def test_bare_make_explains_every_target_and_knob() -> None:
    said = make().stdout
    for target in TARGETS:
        assert f"  make {target} " in said
    for knob in KNOBS:
        assert f"\n  {knob} " in said


def test_the_product_is_led_to_the_local_cloud_and_nowhere_else() -> None:
    told = environment_of_commands(
        "CLOUD_PORT=14566",
        AWS_PROFILE="production",
        AWS_SESSION_TOKEN="token",
        AWS_ACCESS_KEY_ID="AKIAREAL",
        AWS_REGION="eu-west-1",
        AWS_ENDPOINT_URL="http://elsewhere",
        NO_PROXY="example.org",
        HTTP_PROXY="http://127.0.0.1:3128",
    )
    assert told["AWS_ENDPOINT_URL"] == "http://127.0.0.1:14566"
    assert told["AWS_ACCESS_KEY_ID"] == "local"
    assert told["AWS_DEFAULT_REGION"] == "us-east-1"
    assert told["AWS_SHARED_CREDENTIALS_FILE"] == told["AWS_CONFIG_FILE"] == "/dev/null"
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"} & told.keys()
    assert told["NO_PROXY"] == told["no_proxy"] == "127.0.0.1,localhost,example.org"


@pytest.mark.parametrize("by_hand", [True, False], ids=["after the target", "in the environment"])
def test_knobs_can_be_set(by_hand: bool) -> None:
    knobs = {"STATE": "relative/state", "AIRFLOW_PORT": "18080"}
    arguments = [f"{name}={value}" for name, value in knobs.items()] if by_hand else []
    told = environment_of_commands(*arguments, **({} if by_hand else knobs))
    assert told["STATE"] == str(ROOT / "relative/state")
    assert (told["AIRFLOW_PORT"], told["CLOUD_PORT"]) == ("18080", "4566")


def test_defaults_hold_no_blanks() -> None:
    assert environment_of_commands()["STATE"] == str(ROOT / ".state")


def test_clean_refuses_a_folder_that_is_not_ours(tmp_path: Path) -> None:
    mine = tmp_path / "thesis.txt"
    mine.touch()
    done = make("clean", f"STATE={tmp_path}")
    assert done.returncode
    assert mine.exists()
    assert "not removed" in done.stdout


def test_clean_removes_the_state_folder(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / ".clickstream").touch()
    assert make("clean", f"STATE={state}").returncode == 0
    assert not state.exists()
