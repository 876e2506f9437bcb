import pytest

from clickstream.provisioning.plan import STEPS, Action, Step, as_markdown, as_table, compare, digest, plan
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
    dearer = ("size",) if action in ("update", "replace") else ()
    assert plan(box) == Step("retail_web", "remembered", "box", action, differences, dearer)
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


RESHARDING = Step("shop", "stream", "clicks", "update", (Difference("shards", 2, 4),), ("shards",))
REPLACEMENT = Step("shop", "stream", "clicks", "replace", (Difference("name", "a|b", "c"),))
REMOVAL = Step("shop", "stream", "clicks", "delete")
CREATION = Step("shop", "stream", "clicks", "create", (Difference("shards", None, 2), Difference("hours", None, 24)))
NOTHING = Step("shop", "stream", "clicks", "none")


@pytest.mark.parametrize(
    ("step", "needed"),
    [(RESHARDING, True), (REPLACEMENT, True), (REMOVAL, True), (CREATION, False), (NOTHING, False)],
)
def test_approval_is_for_what_is_replaced_deleted_or_dearer(step: Step, needed: bool) -> None:
    assert step.needs_approval is needed


@pytest.mark.parametrize(
    ("approved", "found", "covered"),
    [
        (RESHARDING, RESHARDING, True),
        (RESHARDING, NOTHING, True),
        (RESHARDING, Step("shop", "stream", "clicks", "update", (Difference("shards", 3, 4),)), True),
        (RESHARDING, Step("shop", "stream", "clicks", "update", (Difference("shards", 2, 8),)), False),
        (RESHARDING, Step("shop", "stream", "clicks", "update", (Difference("hours", 48, 24),)), False),
        (RESHARDING, REPLACEMENT, False),
        (RESHARDING, CREATION, False),
        (REPLACEMENT, CREATION, True),
        (CREATION, Step("shop", "stream", "clicks", "update", (Difference("hours", 48, 24),)), True),
        (CREATION, REPLACEMENT, False),
        (REMOVAL, CREATION, False),
        (CREATION, Step("shop", "stream", "other", "create"), False),
    ],
)
def test_a_step_covers_the_rest_of_itself_and_nothing_else(approved: Step, found: Step, covered: bool) -> None:
    assert approved.covers(found) is covered


def test_a_plan_is_known_by_its_digest_and_survives_json() -> None:
    steps = (RESHARDING, CREATION)
    assert STEPS.validate_json(STEPS.dump_json(steps)) == steps
    assert digest(steps) == digest(STEPS.validate_json(STEPS.dump_json(steps)))
    assert digest(steps) != digest((CREATION, RESHARDING))
    assert digest([RESHARDING]) != digest([Step("shop", "stream", "clicks", "update", (Difference("shards", 2, 8),))])


def test_markdown_shows_what_changes_and_why_it_needs_approval() -> None:
    assert as_markdown([RESHARDING, NOTHING, REPLACEMENT]).splitlines() == [
        "0 to create, 1 to update, 1 to replace, 1 unchanged.",
        "",
        "| SOURCE | ACTION | KIND | NAME | CHANGE |",
        "| --- | --- | --- | --- | --- |",
        "| shop | update | stream | clicks | shards: 2 -> 4 |",
        r"| shop | replace | stream | clicks | name: 'a\|b' -> 'c' |",
        "",
        "- stream clicks gets dearer: shards",
        "- stream clicks is deleted and made anew: what it holds is lost",
    ]
    assert as_markdown([NOTHING]) == "Nothing changes: all 1 resources are as declared."
