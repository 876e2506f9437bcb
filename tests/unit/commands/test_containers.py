"""docker-compose.yaml and Dockerfile against the commands and the Makefile that they call; no Docker is needed."""

import re
from typing import Any

import yaml

from commands import container, install
from commands.settings import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COPIED = [source for line in re.findall(r"^COPY --chown=1000 (.+)$", DOCKERFILE, re.M) for source in line.split()[:-1]]


PARTS = set(container.PARTS)


def test_every_part_and_step_is_a_service_and_nothing_else_is() -> None:
    assert set(SERVICES) == PARTS | set(container.STEPS)
    for name, service in SERVICES.items():
        assert service["command"] == f"make -s run-{name}"
        assert service["init"], "make does not collect what its children leave behind"


def test_every_part_says_whether_it_is_healthy() -> None:
    asked = {name: service["healthcheck"]["test"] for name, service in SERVICES.items() if "healthcheck" in service}
    assert asked == {name: f"make -s healthy-{name}" for name in PARTS}


def test_services_wait_for_healthy_parts_and_ended_steps() -> None:
    for service in SERVICES.values():
        for name, wait in service.get("depends_on", {}).items():
            ready = "service_healthy" if name in PARTS else "service_completed_successfully"
            assert wait == {"condition": ready}
    assert set(SERVICES["sample"]["depends_on"]) >= {"api-server", "scheduler", "dag-processor", "triggerer"}


def test_the_makefiles_knobs_are_handed_on_and_have_no_second_default() -> None:
    knobs = set(re.findall(r"^([A-Z_]+) \?=", (ROOT / "Makefile").read_text(), re.M))
    for service in SERVICES.values():
        assert set(service["environment"]) == knobs - {"STATE", "PYTHON"}


def test_nothing_is_published_to_other_machines() -> None:
    for service in SERVICES.values():
        assert service["network_mode"] == "host"
        assert "ports" not in service


def test_the_state_folder_is_the_makefiles_default_in_the_image() -> None:
    (home,) = re.findall(r"^WORKDIR (.+)$", DOCKERFILE, re.M)
    for service in SERVICES.values():
        assert service["volumes"] == [f"${{STATE:-state}}:{home}/.state"]
    assert "state" in COMPOSE["volumes"]
    assert "RUN mkdir .state\n" in DOCKERFILE


def test_what_is_copied_into_the_image_exists_and_holds_all_pins() -> None:
    assert [source for source in COPIED if not (ROOT / source).exists()] == []
    first, _, _ = DOCKERFILE.partition("RUN make environments")
    for pins in install.PINS.values():
        for path in pins:
            assert path in first
