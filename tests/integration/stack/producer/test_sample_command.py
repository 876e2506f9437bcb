"""The sample day: a first run that was killed twice ends as one that was not, and a second one changes nothing."""

import signal
from collections import Counter
from datetime import datetime, timedelta

import httpx
import orjson

from clickstream.contract.records import raw_hash, read_object
from clickstream.lake.windows import HOUR, Window, parse_hour
from clickstream.producer.producer import Producer
from clickstream.producer.receipt import Receipt, receipts
from clickstream.producer.sinks import open_sink
from commands.sample import PURPOSE, SEED
from commands.sample_day import EXPECTED, file_name, write_sample
from tests.integration.stack.producer.conftest import Command, LocalCloud

EVENTS = 24_000


class Unstored(Receipt):
    """The receipt of a producer that is killed before it stores a part."""

    def close_part(self) -> None:
        self._part = None


def _records(cloud: LocalCloud, hour: datetime) -> list[bytes]:
    file = cloud.settings.state / "sample/retail_web" / file_name(hour)
    return read_object(file.name, file.read_bytes()).records


def _stored(cloud: LocalCloud) -> dict[str, int]:
    found = receipts(cloud.place.s3, cloud.place.evidence, cloud.source.name)
    return {hour: sums.acknowledged for hour, sums in found.items()}


def _objects(cloud: LocalCloud) -> set[str]:
    pages = cloud.place.s3.get_paginator("list_objects_v2").paginate(Bucket=cloud.place.lake)
    return {entry["Key"] for page in pages for entry in page.get("Contents", ())}


def test_the_sample_is_sent_once_however_often_it_takes(local_cloud: LocalCloud) -> None:
    assert local_cloud.source.verify_until
    day = local_cloud.source.verify_until - timedelta(days=1)

    # GIVEN a run that was killed in the middle of an hour, with records that no receipt speaks of
    folder = local_cloud.settings.state / "sample/retail_web"
    folder.mkdir(parents=True)
    write_sample(folder, source="retail_web", day=day, events=EVENTS, seed=SEED)
    begun = day + 20 * HOUR
    local_cloud.set_clock(begun + timedelta(minutes=5))
    with Unstored(local_cloud.place.s3, local_cloud.place.evidence, "retail_web", PURPOSE) as receipt:
        Producer(open_sink(local_cloud.source)).send(_records(local_cloud, begun)[:700], receipt)

    # AND another that is killed on its way, with the clock where it was
    first = Command("sample", SAMPLE_EVENTS=str(EVENTS))
    assert first.process.stdout
    for line in first.process.stdout:
        if "retail_web: 2026-11-18T09:00:00Z" in line:
            first.process.send_signal(signal.SIGKILL)
            break
    assert first.end()[0] == -signal.SIGKILL
    assert not local_cloud.clock_is_real()

    # WHEN it is run again
    code, out, err = Command("sample", SAMPLE_EVENTS=str(EVENTS)).end()
    assert code == 0, err
    assert "retail_web: 2026-11-18T08:00:00Z" not in out  # that hour had been sent

    # THEN each hour holds its file, record for record, and every other hour a heartbeat
    assert local_cloud.clock_is_real()
    expected = orjson.loads((folder / EXPECTED).read_bytes())["hours"]
    for hour in Window(local_cloud.source.verify_from, local_cloud.source.verify_until + 2 * HOUR):
        landed = local_cloud.landed(hour)
        if any(parse_hour(known) == hour for known in expected):
            assert landed == Counter(map(raw_hash, _records(local_cloud, hour))), hour
        else:
            assert landed.total() >= 1, hour
    stored = _stored(local_cloud)
    missing = {
        hour: figures["raw"] - stored[hour] for hour, figures in expected.items() if stored[hour] < figures["raw"]
    }
    assert missing.pop("2026-11-18T20:00:00Z") == 700
    assert set(missing) <= {"2026-11-18T10:00:00Z"}  # where the second kill may have struck

    # AND a third run sends nothing, and neither does it repair what was lost meanwhile
    for folder_of_hour in ("/day=18/hour=05/", "/day=18/hour=20/"):
        lost = next(key for key in _objects(local_cloud) if folder_of_hour in key)
        local_cloud.place.s3.delete_object(Bucket=local_cloud.place.lake, Key=lost)
    objects = _objects(local_cloud)
    code, out, _ = Command("sample", SAMPLE_EVENTS=str(EVENTS)).end()
    assert code == 0
    assert _objects(local_cloud) == objects
    assert _stored(local_cloud) == stored

    # AND a sample of another size is not mixed with this one
    code, _, err = Command("sample", SAMPLE_EVENTS="5000").end()
    assert code == 1
    assert "holds a sample with another events" in err
    assert "make clean" in err


def test_the_local_clouds_dates_are_the_clocks(local_cloud: LocalCloud) -> None:
    """What the receipts stand on: the Date header of an answer follows the clock that the records arrive by."""
    local_cloud.set_clock(datetime.fromisoformat("2026-11-18T03:04:05+00:00"))
    answer = local_cloud.place.s3.list_buckets()["ResponseMetadata"]["HTTPHeaders"]["date"]
    assert answer.startswith("Wed, 18 Nov 2026 03:04:")
    assert (
        httpx.get(f"{local_cloud.settings.cloud_url}/_local/health", trust_env=False)
        .headers["date"]
        .startswith("Wed, 18 Nov 2026 03:04:")
    )
