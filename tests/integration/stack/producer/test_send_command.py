"""`make send` on the local cloud: where a file arrives, which hours are closed, and what is left behind."""

import signal
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clickstream.contract.records import raw_hash
from clickstream.lake.windows import HOUR, Window
from clickstream.producer.kinesis import KinesisSink
from clickstream.producer.receipt import receipts
from clickstream.reconciliation.watermark import PERIODS, read_watermark, watermark_request
from tests.integration.stack.producer.conftest import Command, LocalCloud, wait_for

DAY = datetime(2026, 11, 18, tzinfo=UTC)
RECORDS = [
    *(b'{"event_id":"e-%d","session_id":"s-%d"}' % (n, n % 9) for n in range(1200)),
    b'{"event_id":"e-0","session_id":"s-0"}',
    b"no json",
    b'{"a":1}{"b":2}',
    b"\xff\xfe\x00",
]


def _hour(number: int) -> datetime:
    return DAY + number * HOUR


def _file(folder: Path, records: list[bytes]) -> Path:
    file = folder / "events.ndjson"
    file.write_bytes(b"\n\n".join(records))
    return file


def _send(file: Path, at: str) -> tuple[int, str, str]:
    return Command("send", SOURCE="retail_web", EVENTS=str(file), AT=at).end()


def _passed(cloud: LocalCloud, end: datetime, period: int) -> bool:
    """Whether the product sees the watermark pass that hour in metrics of that resolution alone."""
    answer = cloud.place.cloudwatch.get_metric_data(**watermark_request(cloud.source, end))
    for result in answer["MetricDataResults"]:
        if not result["Id"].endswith(f"_{period}"):
            result.update(Timestamps=[], Values=[])
    return read_watermark(cloud.source, answer, end).passed


def test_a_file_arrives_in_its_hour_and_every_other_hour_of_its_day_is_closed_too(
    local_cloud: LocalCloud, tmp_path: Path
) -> None:
    code, out, _ = _send(_file(tmp_path, RECORDS), "2026-11-18T13:20:00Z")
    assert code == 0
    assert "acknowledged 1,204   failed 0   unknown 0" in out
    assert local_cloud.clock_is_real()

    arrived = Counter(map(raw_hash, RECORDS))
    assert local_cloud.landed(_hour(13)) == arrived
    stored = receipts(local_cloud.place.s3, local_cloud.place.evidence, "retail_web")
    assert stored["2026-11-18T13:00:00Z"] == (1204, 0)
    key = next(line.split()[-1] for line in out.splitlines() if "receipt s3://" in line)
    local_cloud.place.s3.head_object(Bucket=local_cloud.place.evidence, Key=key.split("/", 3)[3])

    covered = list(Window(local_cloud.source.verify_from, DAY + 26 * HOUR))
    assert len(stored) == len(covered) == 26
    for hour in covered:
        if hour != _hour(13):
            assert local_cloud.landed(hour).total() == 1
    for period in PERIODS:
        assert all(
            _passed(local_cloud, hour + HOUR, period)
            for hour in Window(local_cloud.source.verify_from, DAY + 24 * HOUR)
        )

    code, out, _ = _send(_file(tmp_path, RECORDS), "2026-11-18T15:00Z")
    assert code == 0
    assert local_cloud.landed(_hour(15)) - Counter(map(raw_hash, RECORDS)) != Counter()  # its heartbeat
    assert sum(local_cloud.landed(hour).total() for hour in covered) == 25 + 2 * 1204  # and none beside it
    assert local_cloud.landed(_hour(13)) == arrived


def test_a_record_that_cannot_be_sent_ends_with_1_and_keeps_nothing_else_back(
    local_cloud: LocalCloud, tmp_path: Path
) -> None:
    code, out, _ = _send(
        _file(tmp_path, [b"one", b"x" * KinesisSink.limits.entry_bytes, b"two"]), "2026-11-18T16:00:00Z"
    )
    assert code == 1
    assert "acknowledged 2   failed 1   unknown 0" in out
    assert "failed: record_too_large 1" in out
    assert set(map(raw_hash, (b"one", b"two"))) <= set(local_cloud.landed(_hour(16)))


def test_what_does_not_fit_into_the_hour_is_refused_whole(local_cloud: LocalCloud, tmp_path: Path) -> None:
    before = local_cloud.landed(_hour(17))
    code, _, err = _send(_file(tmp_path, RECORDS), "2026-11-18T17:59:59.500Z")
    assert code == 2
    assert err == (
        "make send: 1,204 records (0.0 MB) take 0.6 s at the limits of 2 shards (1,000 records/s and 1 MB/s each); "
        "from 17:59:59 there are 0.5 s for them\n"
    )
    assert local_cloud.landed(_hour(17)) == before
    assert local_cloud.clock_is_real()


def test_a_send_that_is_ended_leaves_a_true_receipt_and_real_time(local_cloud: LocalCloud, tmp_path: Path) -> None:
    hour = _hour(18)
    records = [b'{"n":%d}' % n for n in range(60_000)]
    before = local_cloud.landed(hour)
    file = _file(tmp_path, records)
    sending = Command("send", SOURCE="retail_web", EVENTS=str(file), AT="2026-11-18T18:00:00Z")
    wait_for(lambda: local_cloud.landed(hour) != before)
    sending.process.send_signal(signal.SIGTERM)
    assert sending.end()[0] == 128 + signal.SIGTERM

    assert local_cloud.clock_is_real()
    arrived = (local_cloud.landed(hour) - before).total()
    stored = receipts(local_cloud.place.s3, local_cloud.place.evidence, "retail_web", hour, hour + HOUR)
    acknowledged = stored["2026-11-18T18:00:00Z"].acknowledged - before.total()
    assert 0 < acknowledged < 60_000
    assert acknowledged <= arrived <= acknowledged + 500  # one batch may have been on its way


def test_two_sends_at_once_do_not_move_each_others_clock(local_cloud: LocalCloud, tmp_path: Path) -> None:
    before = {number: local_cloud.landed(_hour(number)) for number in (19, 20)}
    (tmp_path / "19").mkdir()
    (tmp_path / "20").mkdir()
    files = {n: _file(tmp_path / str(n), [b'{"n":%d,"hour":%d}' % (i, n) for i in range(5000)]) for n in (19, 20)}
    sends = [
        Command("send", SOURCE="retail_web", EVENTS=str(file), AT=f"2026-11-18T{n}:00:00Z") for n, file in files.items()
    ]
    assert [send.end()[0] for send in sends] == [0, 0]
    for number, file in files.items():
        expected = Counter(map(raw_hash, file.read_bytes().split()))
        assert (local_cloud.landed(_hour(number)) - before[number]) & expected == expected
    assert local_cloud.clock_is_real()


@pytest.mark.full
def test_without_a_time_a_file_arrives_now_and_nothing_in_the_future(local_cloud: LocalCloud, tmp_path: Path) -> None:
    began = datetime.now(UTC)
    code, _, _ = _send(_file(tmp_path, RECORDS), "")
    assert code == 0
    hours = {(began + timedelta(hours=n)).replace(minute=0, second=0, microsecond=0) for n in (0, 1)}
    arrived: Any = sum((local_cloud.landed(hour) for hour in hours), Counter[str]())
    assert arrived & Counter(map(raw_hash, RECORDS)) == Counter(map(raw_hash, RECORDS))
    stored = receipts(local_cloud.place.s3, local_cloud.place.evidence, "retail_web")
    assert max(stored) <= f"{datetime.now(UTC):%Y-%m-%dT%H:00:00Z}"
