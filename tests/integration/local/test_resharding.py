"""A stream that gets more or fewer shards while records flow: nothing is lost, and AWS's limits hold."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.local.conftest import Cloud, day_ago
from tests.integration.local.feed import Feed

HOUR = timedelta(hours=1)
NOON = day_ago(2) + 12 * HOUR


@pytest.fixture
def feed(common_cloud: Cloud) -> Feed:
    made = Feed(common_cloud, shards=2)
    common_cloud.set_clock(NOON)
    return made


def reshard(feed: Feed, shards: int) -> dict[str, Any]:
    """Set the number of shards, and wait until the stream is active again."""
    answer: dict[str, Any] = feed.kinesis.update_shard_count(
        StreamName=feed.name, TargetShardCount=shards, ScalingType="UNIFORM_SCALING"
    )
    feed.settle()
    return answer


def put(feed: Feed, text: str, count: int) -> set[bytes]:
    """Put records with keys all over the hash space."""
    entries = [{"Data": f"{text} {n}".encode(), "PartitionKey": f"key {n}"} for n in range(count)]
    answer = feed.kinesis.put_records(StreamName=feed.name, Records=entries)
    assert answer["FailedRecordCount"] == 0
    shards = feed.kinesis.list_shards(StreamName=feed.name)["Shards"]
    closed = {shard["ShardId"] for shard in shards if "EndingSequenceNumber" in shard["SequenceNumberRange"]}
    assert not closed & {record["ShardId"] for record in answer["Records"]}
    return {entry["Data"] for entry in entries}  # type: ignore[misc]


def read(feed: Feed, shard: str) -> tuple[set[bytes], list[str]]:
    """Everything of a shard, and its children where it is closed."""
    iterator: str | None = feed.kinesis.get_shard_iterator(
        StreamName=feed.name, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    found: set[bytes] = set()
    while iterator:
        answer = feed.kinesis.get_records(ShardIterator=iterator, Limit=7)
        found |= {record["Data"] for record in answer["Records"]}
        iterator = answer.get("NextShardIterator")
        if iterator and not answer["Records"]:
            return found, []
    return found, [child["ShardId"] for child in answer["ChildShards"]]


def read_from_parents_on(feed: Feed) -> set[bytes]:
    """Everything of the stream, as a consumer walks it."""
    shards = feed.kinesis.list_shards(StreamName=feed.name)["Shards"]
    todo = [shard["ShardId"] for shard in shards if "ParentShardId" not in shard]
    found: set[bytes] = set()
    done = set()
    while todo:
        shard = todo.pop()
        if shard not in done:
            done.add(shard)
            records, children = read(feed, shard)
            found |= records
            todo += children
    assert done == {shard["ShardId"] for shard in shards}
    return found


@pytest.mark.parametrize("counts", [(4,), (1,), (3, 6), (4, 2, 1)], ids=str)
def test_records_of_before_and_after_are_all_read_and_delivered(feed: Feed, counts: tuple[int, ...]) -> None:
    sent = put(feed, "before", 100)
    for count in counts:
        reshard(feed, count)
        assert feed.summary()["OpenShardCount"] == count
        sent |= put(feed, f"with {count}", 100)
    assert read_from_parents_on(feed) == sent
    feed.cloud.set_clock(NOON + HOUR)
    assert sorted(feed.lines()) == sorted(sent)


def test_open_shards_share_the_whole_hash_space_and_closed_ones_say_where_they_end(feed: Feed) -> None:
    reshard(feed, 3)
    shards = feed.kinesis.list_shards(StreamName=feed.name)["Shards"]
    closed = [shard for shard in shards if "EndingSequenceNumber" in shard["SequenceNumberRange"]]
    ranges = [shard["HashKeyRange"] for shard in shards if shard not in closed]
    ends = [(int(each["StartingHashKey"]), int(each["EndingHashKey"])) for each in ranges]
    assert len(closed) == 2
    assert [ends[0][0], ends[-1][1]] == [0, 2**128 - 1]
    assert [start for start, _ in ends[1:]] == [end + 1 for _, end in ends[:-1]]


def test_records_are_taken_while_the_stream_is_updated(feed: Feed) -> None:
    feed.kinesis.update_shard_count(StreamName=feed.name, TargetShardCount=4, ScalingType="UNIFORM_SCALING")
    assert feed.summary()["StreamStatus"] == "UPDATING"
    sent = put(feed, "meanwhile", 50)
    with pytest.raises(feed.kinesis.exceptions.ResourceInUseException):
        reshard(feed, 2)
    feed.settle()
    assert read_from_parents_on(feed) == sent


def test_a_stream_is_doubled_or_halved_at_the_most(feed: Feed) -> None:
    with pytest.raises(feed.kinesis.exceptions.InvalidArgumentException):
        reshard(feed, 5)
    reshard(feed, 4)
    with pytest.raises(feed.kinesis.exceptions.InvalidArgumentException):
        reshard(feed, 1)
    assert feed.summary()["OpenShardCount"] == 4


def test_ten_times_a_day_and_no_more(feed: Feed) -> None:
    for number in range(10):
        reshard(feed, (3, 2)[number % 2])
    with pytest.raises(feed.kinesis.exceptions.LimitExceededException):
        reshard(feed, 3)
    feed.cloud.set_clock(NOON + 25 * HOUR)
    reshard(feed, 3)


def test_closed_shards_go_with_their_records(feed: Feed) -> None:
    put(feed, "old", 10)
    reshard(feed, 4)
    feed.cloud.set_clock(NOON + 25 * HOUR)
    sent = put(feed, "new", 10)
    shards = [shard["ShardId"] for shard in feed.kinesis.list_shards(StreamName=feed.name)["Shards"]]
    assert len(shards) == 4
    assert set().union(*(read(feed, shard)[0] for shard in shards)) == sent


def test_it_outlives_the_process(cloud: Cloud) -> None:
    feed = Feed(cloud, shards=2)
    sent = put(feed, "before", 100)
    reshard(feed, 4)
    sent |= put(feed, "after", 100)
    cloud.stop()
    cloud.start()
    assert feed.summary()["OpenShardCount"] == 4
    sent |= put(feed, "later", 100)
    assert read_from_parents_on(feed) == sent


def test_an_unknown_stream(feed: Feed) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        feed.kinesis.update_shard_count(StreamName="none", TargetShardCount=2, ScalingType="UNIFORM_SCALING")
