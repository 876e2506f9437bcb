from typing import Any

import pytest

from clickstream.provisioning.plan import plan
from clickstream.provisioning.stream import Stream, reshardings
from clickstream.sources.model import Source
from tests.unit.provisioning.fakes import Stub

NAME = {"StreamName": "retail-clickstream"}


@pytest.mark.parametrize(
    ("live", "desired", "counts"),
    [
        (2, 2, []),
        (2, 4, [4]),
        (2, 3, [3]),
        (2, 8, [4, 8]),
        (1, 7, [2, 4, 7]),
        (8, 4, [4]),
        (8, 1, [4, 2, 1]),
        (7, 2, [4, 2]),
        (5, 1, [3, 2, 1]),
    ],
)
def test_each_step_doubles_or_halves_at_most(live: int, desired: int, counts: list[int]) -> None:
    assert reshardings(live, desired) == counts
    for before, after in zip([live, *counts], counts, strict=False):
        assert before / 2 <= after <= before * 2


def _summary(shards: int, hours: int, status: str = "ACTIVE") -> dict[str, Any]:
    return {
        "StreamDescriptionSummary": {
            **NAME,
            "StreamARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/retail-clickstream",
            "StreamStatus": status,
            "RetentionPeriodHours": hours,
            "StreamCreationTimestamp": 0,
            "EnhancedMonitoring": [],
            "OpenShardCount": shards,
        }
    }


def _tags(**tags: str) -> dict[str, Any]:
    return {"Tags": [{"Key": name, "Value": value} for name, value in tags.items()], "HasMoreTags": False}


@pytest.fixture
def declared(source: Source) -> Source:
    """Five shards and 48 hours."""
    return source.model_copy(update={"stream": source.stream.model_copy(update={"shards": 5, "retention_hours": 48})})


def test_retention_and_shards_change_in_place_with_a_wait_after_each_call(
    declared: Source, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    cloud, kinesis = stub("kinesis")

    def describes(*answers: dict[str, Any]) -> None:
        for answer in answers:
            kinesis.add_response("describe_stream_summary", answer, NAME)

    def calls(operation: str, **request: Any) -> None:
        answer = {} if "retention" in operation else {**NAME, "CurrentShardCount": 1, "TargetShardCount": 1}
        kinesis.add_response(operation, answer, NAME | request)

    def is_read(shards: int, hours: int, **tags: str) -> None:
        describes(_summary(shards, hours), _summary(shards, hours))
        kinesis.add_response("list_tags_for_stream", _tags(**tags), NAME)

    is_read(2, 24, team="shop")
    step = plan(Stream(declared, cloud))
    assert (
        str(step)
        == "update stream retail-clickstream (shards: 2 -> 5; retention_hours: 24 -> 48; tag team: 'shop' -> absent)"
    )
    assert step.dearer == ("shards", "retention_hours")

    describes(_summary(2, 24))
    calls("update_shard_count", TargetShardCount=4, ScalingType="UNIFORM_SCALING")
    describes(_summary(2, 24, "UPDATING"), _summary(4, 24))
    calls("update_shard_count", TargetShardCount=5, ScalingType="UNIFORM_SCALING")
    describes(_summary(4, 24, "UPDATING"), _summary(5, 24), _summary(5, 24))
    calls("increase_stream_retention_period", RetentionPeriodHours=48)
    describes(_summary(5, 24, "UPDATING"), _summary(5, 48))
    kinesis.add_response("remove_tags_from_stream", {}, NAME | {"TagKeys": ["team"]})
    describes(_summary(5, 48))
    Stream(declared, cloud).update(step.differences)
    kinesis.assert_no_pending_responses()


def test_killed_before_its_retention_was_set_the_next_plan_says_so(declared: Source, stub: Stub) -> None:
    cloud, kinesis = stub("kinesis")
    for _ in range(2):
        kinesis.add_response("describe_stream_summary", _summary(5, 24), NAME)
    kinesis.add_response("list_tags_for_stream", _tags(), NAME)
    assert str(plan(Stream(declared, cloud))) == "update stream retail-clickstream (retention_hours: 24 -> 48)"
