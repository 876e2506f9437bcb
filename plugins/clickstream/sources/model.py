"""The typed model of a source: everything that differs between feeds, and nothing else.

Each class is one concern of `include/sources/<name>.yaml`. Unknown keys are refused, so that a
misspelt threshold is an error and not a default.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationInfo, field_validator

from clickstream.sources.gold import Gold
from clickstream.sources.part import Name, Part

Tier = Literal["producer", "stream", "delivery", "bronze", "silver"]
Carrier = Literal["stream", "delivery"]
"""A service that records pass on their way to Bronze."""
ColumnType = Literal["string", "bigint", "double", "boolean", "array<string>"]

ResourceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Prefix = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_.-]+/)+$")]
FieldPath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$")]
Version = Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")]

ShardMetric = Literal[
    "IncomingBytes",
    "IncomingRecords",
    "OutgoingBytes",
    "OutgoingRecords",
    "WriteProvisionedThroughputExceeded",
    "ReadProvisionedThroughputExceeded",
    "IteratorAgeMilliseconds",
]
"""https://docs.aws.amazon.com/kinesis/latest/APIReference/API_EnableEnhancedMonitoring.html"""
TagText = Annotated[str, StringConstraints(min_length=1, max_length=128)]

SMALLEST_PARQUET_BUFFER = 64
"""Megabytes: https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html."""
COMMON_COLUMNS = {
    "event_id": "string",
    "event_date": "date",
    "event_time": "timestamp",
    "extra": "string",
    "contract": "string",
    "arrival_hour": "string",
    "object_id": "string",
    "raw_hash": "string",
}
"""Columns that every Silver table has, with their types; a source cannot declare its own under these names."""


def _midnight(value: datetime) -> datetime:
    if value.utcoffset() != timedelta(0) or value.time() != time():
        raise ValueError("must be a midnight in UTC, such as 2026-11-17T00:00:00Z: days are proven whole")
    return value.astimezone(UTC)


Midnight = Annotated[datetime, AfterValidator(_midnight)]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


class Events(Part):
    """How one record is read: its contract, and the fields that the proof stands on."""

    contract: Version
    """Version of the JSON Schema in `include/schemas/<source>/`."""
    identity: Annotated[tuple[FieldPath, ...], BeforeValidator(_as_list), Field(min_length=1)]
    """Field that identifies an event; copies share it and their event date. Of a feed without one, the fields whose
    values taken together do: events that are equal in all of them are one event."""
    timestamp: FieldPath
    """Field with the event's own time, RFC 3339 with an offset."""
    consent: FieldPath | None = None
    """Field whose JSON value `false` filters the record; None: the feed has no such field."""
    explicit_consent: bool = False
    """Whether nothing but the JSON value `true` is consent: a record without any is filtered, too."""
    empty_is_null: bool = False
    """Whether an empty text is no value to Silver."""
    max_late_days: int = Field(default=7, ge=0, le=30)
    """Days an event may be older than its arrival hour."""
    max_skew_minutes: int = Field(default=60, ge=0, le=1440)
    """Minutes an event's clock may run ahead of the end of its arrival hour."""


class Stream(Part):
    """The Kinesis stream that carries the feed."""

    name: ResourceName
    mode: Literal["provisioned", "on_demand"] = "provisioned"
    """On demand AWS chooses the number of shards, and bills by the volume."""
    shards: int | None = Field(default=None, ge=1, le=500, validate_default=True)
    """Of a provisioned stream."""
    retention_hours: int = Field(default=24, ge=24, le=8760)
    kms_key: str | None = Field(default=None, min_length=1, max_length=2048)
    """KMS key that encrypts the records at rest: an id, an ARN or an alias. None: they are not encrypted by Kinesis."""
    enhanced_metrics: tuple[ShardMetric, ...] = ()
    """Metrics of each single shard."""
    tags: dict[TagText, TagText] = Field(default={}, max_length=50)
    partition_key: FieldPath
    """Field whose value chooses the shard; a record without it is spread by its hash."""

    @property
    def shards_at_first(self) -> int:
        """Shards that it has when it is made: on demand AWS begins with four."""
        return self.shards or 4

    @field_validator("shards")
    @classmethod
    def _fits_the_mode(cls, value: int | None, info: ValidationInfo) -> int | None:
        if "mode" in info.data and (value is None) == (info.data["mode"] == "provisioned"):
            raise ValueError("must be given for a provisioned stream, and for no other")
        return value


class Delivery(Part):
    """The Firehose stream that writes the feed to Bronze.

    Limits: https://docs.aws.amazon.com/firehose/latest/APIReference/API_BufferingHints.html
    """

    name: ResourceName
    format: Literal["json", "parquet"] = "json"
    """json: the records as they are, in GZIP. parquet: rows, by the fields of the contract."""
    folder_by: FieldPath | None = Field(default=None, validate_default=True)
    """Of Parquet: field by whose value the objects of an hour are laid into folders; None: they are not."""
    prefix: Prefix
    """Where objects land; year=/month=/day=/hour=/ follows it."""
    error_prefix: Prefix
    """Where Firehose writes what it could not deliver."""

    @field_validator("error_prefix")
    @classmethod
    def _lies_apart(cls, value: str, info: ValidationInfo) -> str:
        prefix = info.data.get("prefix")
        if prefix and (value.startswith(prefix) or prefix.startswith(value)):
            raise ValueError(f"must lie apart from prefix, {prefix}")
        return value

    buffer_megabytes: int = Field(ge=1, le=128)
    buffer_seconds: int = Field(ge=60, le=900)

    @field_validator("folder_by")
    @classmethod
    def _lays_rows_into_folders(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("format") == "json":
            raise ValueError("goes with format: parquet only")
        return value

    @field_validator("buffer_megabytes")
    @classmethod
    def _fills_row_groups(cls, value: int, info: ValidationInfo) -> int:
        if info.data.get("format") == "parquet" and value < SMALLEST_PARQUET_BUFFER:
            raise ValueError(f"must be {SMALLEST_PARQUET_BUFFER} or more with format: parquet, as Firehose demands")
        return value

    @property
    def bronze(self) -> dict[str, str]:
        """Prefixes below which Bronze lies, each with folders of arrival hours, by the kind of table that reads it.

        What could not become a row is a part of a Bronze of rows: a record is counted wherever it came to lie.
        """
        if self.format == "json":
            return {"bronze_text": self.prefix}
        return {"bronze": self.prefix, "bronze_errors": self.error_prefix}


class Checks(Part):
    """How far the proof looks back, and how long it waits."""

    recheck_days: int = Field(default=7, ge=1, le=30)
    """Days before a window whose listings are compared again in each run."""
    settle_limit_minutes: int = Field(default=360, ge=10, le=2880)
    """Minutes after a window within which its watermark must pass."""


def _hours_of_day(value: str) -> str:
    first, last = map(int, value.split("-"))
    if first > 23 or last > 24 or first == last:
        raise ValueError(
            "must be the first hour, 00 to 23, and the hour at which it ends, to 24, such as 06-23 or 20-04"
        )
    return value


HoursOfDay = Annotated[str, StringConstraints(pattern=r"^\d\d-\d\d$"), AfterValidator(_hours_of_day)]


class Health(Part):
    """What the live path is held against every five minutes.

    Its causes and their runbooks: `clickstream.health.check`.
    """

    incoming_per_minute: float = Field(default=10, ge=0)
    """Fewer records a minute, without heartbeats, are too few where traffic is expected."""
    traffic_hours: HoursOfDay = "00-24"
    """UTC hours of the day in which traffic is expected: from the first until before the second."""
    freshness_seconds: int = Field(default=300, ge=60, le=7200)
    """A record that is not delivered for longer has the delivery stalled."""
    delivery_success: float = Field(default=1.0, gt=0, le=1)
    """Part of the writes to S3 that must succeed in each minute."""
    throttled: int = Field(default=0, ge=0)
    """Records that may be refused within the window, because shards are full."""
    window_minutes: int = Field(default=15, ge=10, le=60)
    """Minutes that are looked at together."""

    def expects_traffic(self, hour: int) -> bool:
        """Whether traffic is expected in an hour of the day, 0 to 23, UTC."""
        first, last = map(int, self.traffic_hours.split("-"))
        return first <= hour < last if first < last else hour >= first or hour < last


class Column(Part):
    """One column of Silver, taken from a field of the event."""

    path: FieldPath
    earlier: Annotated[tuple[FieldPath, ...], BeforeValidator(_as_list)] = ()
    """Where other versions of the contract have it. The column takes the first of all these fields in which an event
    has a value of its type, of those that the contract declares by which the event is judged."""
    type: ColumnType

    @property
    def paths(self) -> tuple[str, ...]:
        """All fields that it may be taken from, the present one first."""
        return self.path, *self.earlier


class Maintenance(Part):
    """What the weekly maintenance leaves of the past of the source's Iceberg tables: docs/lake-maintenance.md."""

    keep_days: int = Field(default=7, ge=5, le=365)
    """Days for which whatever readers of a table saw can be read again. A run may need what it began with for four:
    two until its watermark, and one for a waiver's answer."""
    keep_snapshots: int = Field(default=10, ge=1, le=1000)
    """Snapshots of a table that are kept however old they are."""
    orphan_days: int = Field(default=3, ge=2, le=365)
    """Days after which a file that no snapshot names is taken for one of a killed job, which runs for an hour."""


class Source(Part):
    """One event feed.

    Example:
        >>> source = load_source(Path("include/sources/retail_web.yaml"), schemas=Path("include/schemas"))
        >>> source.table("silver")
        'retail_web_silver'
    """

    name: Name
    description: str = Field(min_length=1)
    verify_from: Midnight
    """First arrival hour that is proven; the daily DAG starts here."""
    verify_until: Midnight | None = None
    """End of scheduled proof: catch-up stops here. None: it goes on for ever."""
    tiers: tuple[Tier, ...]
    """Places where this feed's records are counted, in the order of the path."""
    events: Events
    stream: Stream | None = Field(default=None, validate_default=True)
    """None: records are put into the delivery directly."""
    delivery: Delivery
    checks: Checks = Checks()
    health: Health | None = None
    """None: nobody watches the path; the source has no health DAG."""
    silver: dict[Name, Column]
    """Columns of Silver beside those that every source has."""
    gold: Gold | None = None
    """What is made of Silver. None: nothing."""
    maintenance: Maintenance = Maintenance()

    @field_validator("verify_until")
    @classmethod
    def _ends_later(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        if value is not None and "verify_from" in info.data and value <= info.data["verify_from"]:
            raise ValueError("must be later than verify_from")
        return value

    @field_validator("tiers")
    @classmethod
    def _holds_the_lake(cls, value: tuple[Tier, ...]) -> tuple[Tier, ...]:
        if not {"bronze", "silver"} <= set(value) or len(set(value)) != len(value):
            raise ValueError("must hold bronze and silver, and each tier once")
        return value

    @field_validator("stream")
    @classmethod
    def _is_there_to_be_counted(cls, value: Stream | None, info: ValidationInfo) -> Stream | None:
        if value is None and "stream" in info.data.get("tiers", ()):
            raise ValueError("must be declared, or stream be taken out of tiers: without one, records are put directly")
        return value

    @field_validator("delivery")
    @classmethod
    def _keeps_what_receipts_name(cls, value: Delivery, info: ValidationInfo) -> Delivery:
        if value.format == "parquet" and "producer" in info.data.get("tiers", ()):
            raise ValueError("format parquet keeps no bytes that a receipt could name: take producer out of tiers")
        return value

    @field_validator("health")
    @classmethod
    def _waits_for_the_buffer(cls, value: Health | None, info: ValidationInfo) -> Health | None:
        delivery = info.data.get("delivery")
        if value and delivery and value.freshness_seconds <= delivery.buffer_seconds:
            raise ValueError(f"freshness_seconds must be more than delivery.buffer_seconds, {delivery.buffer_seconds}")
        return value

    @field_validator("silver")
    @classmethod
    def _leaves_the_reserved(cls, value: dict[str, Column]) -> dict[str, Column]:
        if reserved := sorted(set(COMMON_COLUMNS) & set(value)):
            raise ValueError(f"every source has {', '.join(reserved)}: choose other names")
        return value

    @property
    def declared_stream(self) -> Stream:
        """The stream that carries the feed.

        Raises:
            ValueError: the source declares no stream.
        """
        if self.stream is None:
            raise ValueError(f"{self.name} declares no stream")
        return self.stream

    @property
    def carriers(self) -> dict[Carrier, str]:
        """Names of the stream, where there is one, and of the delivery: in the order in which records pass them."""
        stream: dict[Carrier, str] = {"stream": self.stream.name} if self.stream else {}
        return {**stream, "delivery": self.delivery.name}

    @property
    def entrance(self) -> Carrier:
        """The carrier that records are put into, and that measures what comes in."""
        return next(iter(self.carriers))

    @property
    def silver_order(self) -> tuple[str, ...]:
        """Columns by which the rows in a file of Silver lie: a session's events beside each other, in their order."""
        key = self.gold.session_key if self.gold else None
        return (key, "event_time") if key else ("event_time",)

    @property
    def declared_gold(self) -> Gold:
        """What is made of Silver.

        Raises:
            ValueError: the source declares no Gold.
        """
        if self.gold is None:
            raise ValueError(f"{self.name} declares no gold")
        return self.gold

    def column_type(self, column: str) -> str:
        """Type of a column of Silver.

        Raises:
            KeyError: Silver has no such column.
        """
        return self.silver[column].type if column in self.silver else COMMON_COLUMNS[column]

    def table(self, kind: str) -> str:
        """Name of this source's table of a kind: of `delivery.bronze`, of `gold.tables`, silver, rejects and so on."""
        return f"{self.name}_{kind}"
