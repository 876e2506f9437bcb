"""Provisioning against the local cloud: what was asked for is there, and a second look finds nothing to do."""

import gzip
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import boto3
import pytest

from clickstream.lake.listing import hour_prefix
from clickstream.lake.partitions import repair_partitions
from clickstream.lake.queries import Table, render
from clickstream.provisioning.apply import NeedsApproval, apply_all, carry_out
from clickstream.provisioning.path import path_of
from clickstream.provisioning.plan import Step, plan
from clickstream.provisioning.resource import Cloud, Resource
from clickstream.provisioning.waiting import wait
from clickstream.reconciliation.entry import Entry, State, Tiers
from clickstream.reconciliation.ledger import Ledger
from clickstream.reconciliation.waiver import Loss, Waiver
from clickstream.sources.loader import load_sources
from clickstream.sources.model import Column, Source
from tests.integration.stack.clouds import running_cloud

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def local_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A local cloud with the foundation and nothing else; yields the variables that lead to it."""
    with running_cloud(tmp_path_factory.mktemp("state")) as variables:
        yield variables


@pytest.fixture(scope="module")
def cloud(local_cloud: dict[str, str]) -> Iterator[Cloud]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in local_cloud.items():
            patch.setenv(name, value)
        yield Cloud.of(boto3.Session())


@pytest.fixture(scope="module")
def source() -> Source:
    sources, _ = load_sources()
    return sources["retail_web"]


@pytest.fixture
def path(source: Source, cloud: Cloud) -> list[Resource]:
    """The path of retail_web, as declared and as it lives."""
    path = path_of(source, cloud)
    list(apply_all(path))
    return path


def _todo(path: list[Resource]) -> list[Step]:
    return [step for step in map(plan, path) if step.action != "none"]


def _delete_delivery(cloud: Cloud, name: str) -> None:
    cloud.client("firehose").delete_delivery_stream(DeliveryStreamName=name)


def _delete_alarms(cloud: Cloud, name: str) -> None:
    cloudwatch = cloud.client("cloudwatch")
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix=name.rstrip("*"))["MetricAlarms"]
    cloudwatch.delete_alarms(AlarmNames=[alarm["AlarmName"] for alarm in alarms])


def _delete_table(cloud: Cloud, name: str) -> None:
    cloud.client("glue").delete_table(DatabaseName=cloud.names.database, Name=name)


def _delete_code(cloud: Cloud, name: str) -> None:
    bucket, _, prefix = name.removeprefix("s3://").partition("/")
    s3 = cloud.client("s3")
    for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
        s3.delete_object(Bucket=bucket, Key=entry["Key"])


DELETE: dict[str, Callable[[Cloud, str], object]] = {
    "stream": lambda cloud, name: cloud.client("kinesis").delete_stream(StreamName=name, EnforceConsumerDeletion=True),
    "delivery_log": lambda cloud, name: cloud.client("logs").delete_log_group(logGroupName=name),
    "delivery": _delete_delivery,
    "alarms": _delete_alarms,
    "bronze_text": _delete_table,
    "receipts": _delete_table,
    "ledger": _delete_table,
    "silver": _delete_table,
    "rejects": _delete_table,
    "gold_daily": _delete_table,
    "gold_sessions": _delete_table,
    "job_code": _delete_code,
    "job": lambda cloud, name: cloud.client("glue").delete_job(JobName=name),
    "gold_job": lambda cloud, name: cloud.client("glue").delete_job(JobName=name),
    "maintenance_job": lambda cloud, name: cloud.client("glue").delete_job(JobName=name),
}
"""How somebody deletes a resource of each kind by hand."""


AT_A_TIME = 12


def test_a_first_run_that_is_killed_again_and_again_ends_the_same(cloud: Cloud, local_cloud: dict[str, str]) -> None:
    """Each run gets a kill -9 when it has made some resources; the next goes on from there."""
    everything = [resource for each in load_sources()[0].values() for resource in path_of(each, cloud)]
    runs = 0
    while before := _todo(everything):
        assert {step.action for step in before} <= {"create", "update"}
        with _setup(local_cloud) as command:
            assert command.stdout and command.stderr
            done = (line for line in command.stdout if line.rstrip().endswith("- done"))
            if len(list(islice(done, AT_A_TIME))) == AT_A_TIME:
                command.send_signal(signal.SIGKILL)
            errors = command.stderr.read()
        assert command.returncode in (0, -signal.SIGKILL), errors
        assert len(_todo(everything)) < len(before)
        runs += 1
    assert runs > 1
    assert "Nothing changes" in _output(local_cloud)


def test_what_is_there_is_what_was_declared(path: list[Resource], cloud: Cloud, source: Source) -> None:
    assert _todo(path) == []
    stream = cloud.client("kinesis").describe_stream_summary(StreamName="retail-clickstream")
    assert stream["StreamDescriptionSummary"]["OpenShardCount"] == 2
    delivery = cloud.client("firehose").describe_delivery_stream(DeliveryStreamName="retail-clickstream-to-s3")
    destination = delivery["DeliveryStreamDescription"]["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert destination["Prefix"].startswith("landing/clickstream/year=!{timestamp:yyyy}/")
    tables = cloud.client("glue").get_tables(DatabaseName="clickstream")["TableList"]
    columns = {table["Name"]: [column["Name"] for column in table["StorageDescriptor"]["Columns"]] for table in tables}
    assert columns["retail_web_bronze_text"] == ["line"]
    assert columns["retail_web_receipts"] == ["raw_hash"]
    assert set(columns["retail_web_ledger"]) == set(Entry.model_fields)
    assert columns["retail_web_silver"][3:-5] == list(source.silver)
    assert columns["retail_web_rejects"][:4] == ["arrival_hour", "object_id", "raw_hash", "fate"]
    job = cloud.client("glue").get_job(JobName="retail_web__bronze_to_silver")["Job"]
    for uri in (job["Command"]["ScriptLocation"], job["DefaultArguments"]["--extra-py-files"]):
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        assert cloud.client("s3").head_object(Bucket=bucket, Key=key)["ContentLength"] > 0


LINES = [b'{"a": 1}', rb"\N", b"two\x01fields", b"tab\tbed", b'"quoted', b"back\\slash", "é✓".encode(), b" ", b"NULL"]
"""Lines that a delimiter, an escape or a mark for NULL would change."""


@pytest.mark.parametrize(("kind", "bucket"), [("bronze_text", "lake"), ("receipts", "evidence")])
def test_athena_reads_every_line_byte_for_byte(kind: str, bucket: str, path: list[Resource], cloud: Cloud) -> None:
    (table,) = [resource for resource in path if resource.kind == kind]
    location, hour = str(table.desired()["location"]), datetime(2026, 11, 17, 5, tzinfo=UTC)
    key = hour_prefix(location.removeprefix(f"s3://{getattr(cloud.names, bucket)}/"), hour) + "object.gz"
    cloud.client("s3").put_object(
        Bucket=getattr(cloud.names, bucket), Key=key, Body=gzip.compress(b"".join(line + b"\n" for line in LINES))
    )
    database = cloud.names.database
    repair_partitions(cloud.client("glue"), database=database, table=table.name, location=location, filled=[hour])
    (column,) = (field.removeprefix("column ") for field in table.desired() if field.startswith("column "))
    rows = _rows(cloud, f"SELECT to_hex(to_utf8({column})) AS line FROM {database}.{table.name}")
    assert sorted(bytes.fromhex(str(row["line"])) for row in rows) == sorted(LINES)


def test_the_current_line_of_each_hour_by_sql(path: list[Resource], cloud: Cloud, source: Source) -> None:
    sql = render("ledger_current", ledger=Table(cloud.names.database, source.table("ledger")))
    assert _rows(cloud, sql) == []

    def entry(hour: int, state: State, **found: Any) -> Entry:
        known = {"source": source.name, "run": "daily__1", "triggered_by": "test", "checked_at": "2026-11-21T00:00:00Z"}
        return Entry(arrival_hour=f"2026-11-18T{hour:02}:00:00Z", state=state, **known, **found)

    counted = {
        "tiers": Tiers(bronze=2**53 + 1, silver=5),
        "fates": {"good": 5, "quarantined": 2},
        "reasons": {"minLength:event_id": 2},
        "silver": (5, 2**62, 7),
    }
    ledger = Ledger(cloud.client("s3"), cloud.names.evidence, source.name)
    ledger.append([entry(1, "failed", causes=("object_missing", "changed_unchecked")), entry(2, "failed")])
    ledger.append([entry(2, "verified", contract="1.0.0", **counted)])
    loss = Loss(code="object_missing", object="landing/x", records=7)
    waiver = Waiver(waived_by="maria", waived_at="2026-11-21T09:00:00Z", reason="gone", run="w", losses=(loss,))
    ledger.append([entry(3, "excepted", waivers=(waiver, waiver.model_copy(update={"reason": "gone, too"})))])
    failed, _, verified, excepted = ledger.read()

    assert _rows(cloud, sql) == [
        {
            "arrival_hour": each.arrival_hour,
            "state": each.state,
            "causes": ", ".join(each.causes),
            "waived_by": ", ".join(waiver.waived_by for waiver in each.waivers),
            "waived_because": "; ".join(waiver.reason for waiver in each.waivers),
            "bronze": bronze,
            "silver": silver,
            "filtered": "0",
            "quarantined": quarantined,
            "duplicate": "0",
            "contract": each.contract,
            "run": "daily__1",
            "triggered_by": "test",
            "checked_at": "2026-11-21T00:00:00Z",
            "sequence": str(each.sequence),
            "hash": each.hash,
        }
        for each, bronze, silver, quarantined in (
            (failed, None, None, "0"),
            (verified, "9007199254740993", "5", "2"),
            (excepted, None, None, "0"),
        )
    ]
    columns = "reasons['minLength:event_id'] AS short, silver[2] AS sum_1"
    assert _rows(cloud, f"SELECT {columns} FROM clickstream.retail_web_ledger WHERE sequence = 1") == [
        {"short": "2", "sum_1": str(2**62)}
    ]
    columns = "waivers[1].losses[1].object AS lost, waivers[1].losses[1].records AS records"
    assert _rows(cloud, f"SELECT {columns} FROM clickstream.retail_web_ledger WHERE sequence = 2") == [
        {"lost": "landing/x", "records": "7"}
    ]


@pytest.mark.parametrize("kind", DELETE)
def test_what_was_deleted_by_hand_comes_back(kind: str, path: list[Resource], cloud: Cloud) -> None:
    (resource,) = [resource for resource in path if resource.kind == kind]
    DELETE[kind](cloud, resource.name)
    assert [(step.kind, step.action) for step in _todo(path)] == [(kind, "create")]
    carry_out(resource, plan(resource))
    assert _todo(path) == []


def test_one_lost_file_of_the_jobs_code_comes_back(path: list[Resource], cloud: Cloud) -> None:
    (code,) = [resource for resource in path if resource.kind == "job_code"]
    bucket, _, prefix = code.name.removeprefix("s3://").partition("/")
    cloud.client("s3").delete_object(Bucket=bucket, Key=f"{prefix}modules.zip")
    (step,) = _todo(path)
    assert (step.kind, step.action, [d.field for d in step.differences]) == (
        "job_code",
        "update",
        ["modules.zip bytes"],
    )
    carry_out(code, plan(code))
    assert _todo(path) == []


def test_a_lost_log_stream_comes_back(path: list[Resource], cloud: Cloud) -> None:
    (log,) = [resource for resource in path if resource.kind == "delivery_log"]
    cloud.client("logs").delete_log_stream(logGroupName=log.name, logStreamName="DestinationDelivery")
    assert list(map(str, _todo(path))) == [
        f"update delivery_log {log.name} (log_stream: absent -> 'DestinationDelivery')"
    ]
    carry_out(log, plan(log))
    assert _todo(path) == []


def test_changed_settings_are_exactly_those_in_the_plan(path: list[Resource], cloud: Cloud, source: Source) -> None:
    changed = source.model_copy(
        update={
            "stream": source.stream.model_copy(update={"retention_hours": 48}),
            "delivery": source.delivery.model_copy(update={"buffer_seconds": 120}),
        }
    )
    after = path_of(changed, cloud)
    assert list(map(str, _todo(after))) == [
        "update stream retail-clickstream (retention_hours: 24 -> 48)",
        "update delivery retail-clickstream-to-s3 (buffer_seconds: 60 -> 120)",
    ]
    list(apply_all(after))
    assert _todo(after) == []
    assert list(map(str, _todo(path))) == [
        "update stream retail-clickstream (retention_hours: 48 -> 24)",
        "update delivery retail-clickstream-to-s3 (buffer_seconds: 120 -> 60)",
    ]


def test_a_new_column_is_added_to_silver_and_stays_when_it_is_no_longer_declared(
    path: list[Resource], cloud: Cloud, source: Source
) -> None:
    columns = {"order": Column(path="order_id", type="bigint"), **source.silver}
    wider = path_of(source.model_copy(update={"silver": columns}), cloud)
    assert list(map(str, _todo(wider))) == ["update silver retail_web_silver (column order: absent -> 'bigint')"]
    list(apply_all(wider))
    assert _todo(wider) == []

    assert list(map(str, _todo(path))) == ["replace silver retail_web_silver (column order: 'bigint' -> absent)"]
    with pytest.raises(NeedsApproval, match="column order: 'bigint' -> absent"):
        list(apply_all(path))
    assert _todo(wider) == []
    _delete_table(cloud, "retail_web_silver")


def test_another_type_is_refused_and_nothing_else_of_that_plan_is_done(
    path: list[Resource], cloud: Cloud, source: Source
) -> None:
    columns = source.silver | {"price": Column(path="properties.price", type="string")}
    longer = source.stream.model_copy(update={"retention_hours": 48})
    retyped = path_of(source.model_copy(update={"silver": columns, "stream": longer}), cloud)
    planned = _todo(retyped)
    assert [(step.kind, step.action) for step in planned] == [("stream", "update"), ("silver", "replace")]
    with pytest.raises(NeedsApproval, match="column price: 'double' -> 'string'"):
        list(apply_all(retyped))
    assert _todo(retyped) == planned


def test_an_unknown_source_is_named(local_cloud: dict[str, str]) -> None:
    with _setup(local_cloud, "nobody") as command:
        _, errors = command.communicate(timeout=60)
    assert command.returncode == 1
    assert "nobody.yaml" in errors


def _rows(cloud: Cloud, sql: str) -> list[dict[str, str | None]]:
    """The rows of a query that succeeds."""
    athena = cloud.client("athena")
    execution = athena.start_query_execution(QueryString=sql, WorkGroup=cloud.names.workgroup)["QueryExecutionId"]
    wait(athena, "StatementEnded", QueryExecutionId=execution)
    status = athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]["Status"]
    assert status["State"] == "SUCCEEDED", status["StateChangeReason"]
    header, *rows = (
        [value.get("VarCharValue") for value in row["Data"]]
        for row in athena.get_query_results(QueryExecutionId=execution)["ResultSet"]["Rows"]
    )
    return [dict(zip(header, row, strict=True)) for row in rows]


def _setup(local_cloud: dict[str, str], *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "commands.setup", *arguments],
        cwd=ROOT,
        env={**os.environ, **local_cloud, "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _output(local_cloud: dict[str, str]) -> str:
    with _setup(local_cloud) as command:
        output, errors = command.communicate(timeout=60)
    assert command.returncode == 0, errors
    return output
