"""The producer against the local cloud: what the receipt says is what Bronze holds, whatever the stream does."""

import gzip
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from clickstream.contract.records import raw_hash
from clickstream.producer.kinesis import KinesisSink
from clickstream.producer.producer import Producer
from clickstream.producer.receipt import HourReceipts, Receipt, read_parts, receipts
from tests.integration.stack.producer.conftest import LocalCloud

DAY = datetime(2026, 11, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)
THROTTLED = "ProvisionedThroughputExceededException"


def _events(name: str, count: int, pad: int = 0) -> list[bytes]:
    return [b'{"session_id":"%s-%d","pad":"%s"}' % (name.encode(), n, b"x" * pad) for n in range(count)]


def _send(cloud: LocalCloud, hour: datetime, records: list[bytes], patience_seconds: float = 60) -> Receipt:
    """Send in that hour, and wait until Firehose has delivered."""
    producer = Producer(
        KinesisSink(cloud.source),
        patience_seconds=patience_seconds,
        sleep=lambda seconds: time.sleep(seconds / 4),
    )
    cloud.set_clock(hour + timedelta(minutes=10))
    with Receipt(cloud.place.s3, cloud.place.evidence, cloud.source.name, "test") as receipt:
        producer.send(records, receipt)
    cloud.set_clock(None)
    return receipt


def _stored(cloud: LocalCloud, hour: datetime) -> HourReceipts:
    """The receipts of that hour, read back from the evidence bucket."""
    found = receipts(cloud.place.s3, cloud.place.evidence, cloud.source.name, hour, hour + HOUR)
    assert len(found) == 1
    return next(iter(found.values()))


def _hashes(cloud: LocalCloud, hour: datetime) -> Counter[str]:
    found: Counter[str] = Counter()
    for part in read_parts(cloud.place.s3, cloud.place.evidence, cloud.source.name, hour, hour + HOUR):
        if part["hashes"]:
            body = cloud.place.s3.get_object(Bucket=cloud.place.evidence, Key=part["hashes"])["Body"].read()
            found.update(gzip.decompress(body).decode().split())
    return found


def test_everything_arrives_when_the_throttle_lifts(local_cloud: LocalCloud) -> None:
    events = _events("throttle", 1300)
    local_cloud.arm(fault="throttle", stream=local_cloud.source.stream.name, calls=12)
    receipt = _send(local_cloud, DAY, events)

    assert receipt.acknowledged.total() == 1300
    assert _stored(local_cloud, DAY) == (1300, 0)
    assert local_cloud.landed(DAY) == _hashes(local_cloud, DAY) == Counter(map(raw_hash, events))


def test_a_burst_beyond_the_shards_limits_arrives_in_the_end(local_cloud: LocalCloud) -> None:
    hour = DAY + HOUR
    events = _events("burst", 6000)
    receipt = _send(local_cloud, hour, events)

    assert receipt.acknowledged.total() == 6000
    assert local_cloud.landed(hour) == Counter(map(raw_hash, events))
    throttled = local_cloud.place.cloudwatch.get_metric_statistics(
        Namespace="AWS/Kinesis",
        MetricName="WriteProvisionedThroughputExceeded",
        Dimensions=[{"Name": "StreamName", "Value": local_cloud.source.stream.name}],
        StartTime=hour,
        EndTime=hour + HOUR,
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    assert throttled[0]["Sum"] > 0


def test_a_put_without_an_answer_is_acknowledged_once_and_stored_twice(local_cloud: LocalCloud) -> None:
    hour = DAY + 2 * HOUR
    events = _events("lost answer", 700)
    local_cloud.arm(fault="time_out", stream=local_cloud.source.stream.name, calls=1)
    receipt = _send(local_cloud, hour, events)

    assert receipt.acknowledged.total() == 700
    assert not receipt.unknown
    assert _stored(local_cloud, hour) == (700, 0)
    assert _hashes(local_cloud, hour) == Counter(map(raw_hash, events))
    copies = Counter({raw_hash(event): 2 if place < 500 else 1 for place, event in enumerate(events)})
    assert local_cloud.landed(hour) == copies


def test_what_is_never_answered_is_unknown_and_may_well_be_there(local_cloud: LocalCloud) -> None:
    hour = DAY + 3 * HOUR
    events = _events("silence", 300)
    local_cloud.arm(fault="time_out", stream=local_cloud.source.stream.name, calls=100_000)
    receipt = _send(local_cloud, hour, events, patience_seconds=1)

    assert receipt.unknown == {"2026-11-18T03:00:00Z": 300}
    assert not receipt.acknowledged
    assert not receipt.failed
    assert _stored(local_cloud, hour) == (0, 300)
    assert set(local_cloud.landed(hour)) == set(map(raw_hash, events))


def test_what_is_refused_to_the_end_has_failed_and_is_not_there(local_cloud: LocalCloud) -> None:
    hour = DAY + 4 * HOUR
    local_cloud.arm(fault="throttle", stream=local_cloud.source.stream.name, calls=100_000)
    receipt = _send(local_cloud, hour, _events("refused", 600), patience_seconds=1)

    assert receipt.failed == {THROTTLED: 600}
    assert not receipt.acknowledged
    assert not receipt.unknown
    assert not local_cloud.landed(hour)


def test_a_record_of_one_mebibyte_passes_and_a_larger_one_does_not_hold_it_up(local_cloud: LocalCloud) -> None:
    hour = DAY + 5 * HOUR
    frame = b'{"session_id":"s","pad":""}'
    room = KinesisSink.limits.entry_bytes - len(frame) - len("s") - len("\n")
    largest, larger = (frame[:-2] + b"x" * (room + surplus) + b'"}' for surplus in (0, 1))
    receipt = _send(local_cloud, hour, [b"{}", larger, largest, b"[]"])

    assert receipt.failed == {"record_too_large": 1}
    assert local_cloud.landed(hour) == Counter(map(raw_hash, (b"{}", largest, b"[]")))
    assert _stored(local_cloud, hour) == (3, 0)


def test_a_receipt_cannot_be_written_over(local_cloud: LocalCloud) -> None:
    receipt = _send(local_cloud, DAY + 6 * HOUR, [b"{}"])
    with pytest.raises(local_cloud.place.s3.exceptions.ClientError, match="PreconditionFailed"):
        local_cloud.place.s3.put_object(
            Bucket=local_cloud.place.evidence, Key=receipt.keys[0], Body=b"{}", IfNoneMatch="*"
        )
