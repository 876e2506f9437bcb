import pytest

from clickstream.provisioning.apply import Drifted, NeedsApproval, apply_all, carry_out
from clickstream.provisioning.plan import plan, plan_removal
from clickstream.provisioning.resource import Cloud
from clickstream.sources.model import Source
from tests.unit.provisioning.fakes import Killed, Remembered, World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def path(source: Source, cloud: Cloud, world: World) -> list[Remembered]:
    return [Remembered(source, cloud, world, title, {"size": 2}, fixed=("shape",)) for title in "abc"]


def test_makes_what_is_absent_in_the_order_of_the_path(path: list[Remembered], world: World) -> None:
    steps = list(apply_all(path))
    assert world.deeds == ["create a", "create b", "create c"]
    assert [step.action for step in steps] == ["create"] * 3


def test_a_second_time_does_nothing(path: list[Remembered], world: World) -> None:
    list(apply_all(path))
    world.deeds.clear()
    assert [step.action for step in apply_all(path)] == ["none"] * 3
    assert world.deeds == []


def test_goes_on_after_a_kill_between_two_resources(path: list[Remembered], world: World) -> None:
    world.killed_before = "create b"
    with pytest.raises(Killed):
        list(apply_all(path))
    world.killed_before = None
    list(apply_all(path))
    assert world.deeds == ["create a", "create b", "create c"]


def test_changes_only_what_differs(path: list[Remembered], world: World) -> None:
    world.living = {"a": {"size": 2}, "b": {"size": 1}}
    list(apply_all(path))
    assert world.deeds == ["update b", "create c"]


def test_refuses_a_replacement_before_anything_is_changed(path: list[Remembered], world: World) -> None:
    world.living = {"b": {"size": 2, "shape": "round"}, "c": {"size": 2, "shape": "square"}}
    with pytest.raises(NeedsApproval) as refused:
        list(apply_all(path))
    assert world.deeds == []
    assert "replace remembered b (shape: 'round' -> absent)" in str(refused.value)
    assert "replace remembered c (shape: 'square' -> absent)" in str(refused.value)
    assert [step.name for step in refused.value.steps] == ["b", "c"]


def test_a_replacement_that_was_not_planned_is_refused_too(path: list[Remembered], world: World) -> None:
    steps = apply_all(path)
    next(steps)
    world.living["b"] = {"size": 2, "shape": "round"}
    with pytest.raises(Drifted, match=r"planned was: create remembered b; now .* replace remembered b"):
        next(steps)
    assert plan(path[1]).action == "replace"
    assert world.deeds == ["create a"]


ROUND = {"size": 2, "shape": "round"}


def test_an_approved_replacement_deletes_and_makes_anew(path: list[Remembered], world: World) -> None:
    world.living["b"] = dict(ROUND)
    carry_out(path[1], plan(path[1]))
    assert world.deeds == ["delete b", "create b"]
    assert world.living["b"] == path[1].desired()


def test_a_replacement_that_is_killed_in_between_is_ended_by_the_next_try(path: list[Remembered], world: World) -> None:
    world.living["b"] = dict(ROUND)
    approved = plan(path[1])
    world.killed_before = "create b"
    with pytest.raises(Killed):
        carry_out(path[1], approved)
    world.killed_before = None
    carry_out(path[1], approved)
    carry_out(path[1], approved)
    assert world.deeds == ["delete b", "create b"]


def test_what_drifted_since_the_approval_is_left_alone(path: list[Remembered], world: World) -> None:
    world.living["b"] = {"size": 1}
    approved = plan(path[1])
    assert approved.dearer == ("size",)
    world.living["b"] = {"size": 1, "colour": "red"}
    with pytest.raises(Drifted, match="colour"):
        carry_out(path[1], approved)
    assert world.deeds == []


def test_a_removal_is_done_once(path: list[Remembered], world: World) -> None:
    world.living["b"] = {"size": 2}
    removal = plan_removal(path[1])
    assert (removal.action, removal.needs_approval) == ("delete", True)
    carry_out(path[1], removal)
    carry_out(path[1], removal)
    assert plan_removal(path[1]).action == "none"
    assert world.deeds == ["delete b"]
