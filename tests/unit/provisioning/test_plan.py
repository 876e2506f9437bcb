import pytest

from clickstream.provisioning.plan import Action, Step, as_table, compare, plan
from clickstream.provisioning.resource import Cloud, Difference, Settings
from clickstream.sources.model import Source
from tests.unit.provisioning.fakes import Remembered, World


@pytest.mark.parametrize(
    ("live", "action", "differences"),
    [
        (None, "create", (Difference("size", None, 2), Difference("place", None, "here"))),
        ({"size": 2, "place": "here"}, "none", ()),
        ({"size": 1, "place": "here"}, "update", (Difference("size", 1, 2),)),
        ({"size": 1, "place": "there"}, "replace", (Difference("size", 1, 2), Difference("place", "there", "here"))),
    ],
)
def test_each_action(
    live: Settings | None, action: Action, differences: tuple[Difference, ...], source: Source, cloud: Cloud
) -> None:
    world = World({} if live is None else {"box": dict(live)})
    box = Remembered(source, cloud, world, "box", {"size": 2, "place": "here"}, fixed=("place",))
    assert plan(box) == Step("retail_web", "remembered", "box", action, differences)
    assert world.deeds == []


def test_a_setting_on_one_side_only_differs() -> None:
    differences = compare(live={"old": "x", "same": 1}, desired={"same": 1, "new": "y"})
    assert list(map(str, differences)) == ["new: absent -> 'y'", "old: 'x' -> absent"]


def test_a_setting_that_is_absent_on_both_sides_does_not_differ() -> None:
    assert compare(live={"maybe": None}, desired={}) == ()


def test_table_has_a_line_for_each_difference_of_a_change() -> None:
    steps = [
        Step("shop", "stream", "clicks", "update", (Difference("shards", 2, 4), Difference("hours", 24, 48))),
        Step("shop", "delivery", "clicks-to-s3", "create", (Difference("prefix", None, "landing/"),)),
        Step("shop", "job", "shop__job", "none"),
    ]
    assert as_table(steps).splitlines() == [
        "SOURCE  ACTION  KIND      NAME          CHANGE",
        "shop    update  stream    clicks        shards: 2 -> 4",
        "                                        hours: 24 -> 48",
        "shop    create  delivery  clicks-to-s3",
        "shop    none    job       shop__job",
        "",
        "1 to create, 1 to update, 0 to replace, 1 unchanged.",
    ]


def test_table_says_that_nothing_changes() -> None:
    steps = [Step("shop", "stream", "clicks", "none"), Step("shop", "job", "shop__job", "none")]
    assert as_table(steps).splitlines()[-1] == "Nothing changes: all 2 resources are as declared."
