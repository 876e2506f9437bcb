"""What a source declares as its Gold: tables that are made of Silver, each of a kind (docs/gold.md)."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal, cast

from pydantic import Field, ValidationInfo, field_validator

from clickstream.sources.part import Name, Part

LARGEST_AMOUNT = 1_000_000_000
"""Amounts of this and more are taken for faults of the client and count nothing: no sum may overflow by one event."""
MEASURES = frozenset({"event_count", "revenue"})
"""Columns of a daily table beside its dimensions."""
RESERVED_STEPS = frozenset({"started", "ended", "event"})
"""Steps whose columns, `<step>_at` and `<step>_count`, every session has already."""
SESSION_COLUMNS = {
    "event_date": "date",
    "session_id": "string",
    "started_at": "timestamp",
    "ended_at": "timestamp",
    "event_count": "bigint",
    "events_after_midnight": "bigint",
    "revenue": "decimal(20, 2)",
    "steps_reached": "int",
}
"""Columns of every session, with their types."""
FUNNEL_COLUMNS = ("event_date", "session_id", "started_at", "segments")
"""Columns of every row of a funnel."""
HISTORY_COLUMNS = frozenset({"event_date", "event_id", "event_time", "active", "valid_from", "valid_to", "is_current"})
"""Columns of a history and its changes beside the key and the value."""
FACT_COLUMNS = frozenset({"event_date", "corrected_by", "corrected_at"})
"""Columns of facts beside their key and what is told of them."""
MEMBER_COLUMNS = frozenset({"event_date", "first_seen", "last_seen", "event_count"})
"""Columns of a dimension beside its key and what is known of its members."""

EventTypes = Annotated[tuple[str, ...], Field(min_length=1)]


class Revenue(Part):
    """What an event is worth in money."""

    column: Name
    """Column of Silver with the amount, a number below LARGEST_AMOUNT; it is rounded to hundredths."""
    event_types: EventTypes
    """The events whose amount counts."""


class Step(Part):
    """One step of a funnel."""

    name: Name
    """The columns of the step are called by it: `<name>_at`, `<name>_count`."""
    event_types: EventTypes
    """The events that take a visitor there."""
    holding: dict[Name, Annotated[str, Field(min_length=1)]] = Field(default={})
    """Text by column of Silver: of these events, only those whose columns hold their texts."""

    @property
    def columns(self) -> tuple[str, str]:
        """What a session has of the step: when it was reached, and how many events it has."""
        return f"{self.name}_at", f"{self.name}_count"


class _Table(Part):
    """A table of Gold; its kinds say what a row of it is."""

    def stored(self, name: str) -> tuple[str, ...]:
        """The Iceberg tables that hold it, in the order in which they are published."""
        return (name,)

    @property
    def made_of(self) -> tuple[str, ...]:
        """Names of the other tables that it is made of beside Silver."""
        return ()

    @property
    def names_event_types(self) -> bool:
        """Whether it tells events by their types."""
        return False


class Daily(_Table):
    """How many events a date has by its dimensions, and what they are worth."""

    kind: Literal["daily"]
    dimensions: tuple[Name, ...] = Field(min_length=1)
    """Columns of Silver by which a day's events are counted."""

    @field_validator("dimensions")
    @classmethod
    def _leaves_the_measures(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if taken := sorted(MEASURES & set(value)):
            raise ValueError(f"the daily table has its own {', '.join(taken)}: choose other columns")
        if len(set(value)) != len(value):
            raise ValueError("must hold each column once")
        return value


class Sessions(_Table):
    """How events are put together to sessions, and what each should lead to."""

    kind: Literal["sessions"]
    key: Name
    """Column of Silver that the events of a session share; events without it have no session."""
    gap_minutes: int = Field(default=30, ge=1, le=720)
    """A session ends when nothing happens for longer than this."""
    funnel: tuple[Step, ...]
    """The steps in their order. A step is reached once all before it were."""

    @field_validator("funnel")
    @classmethod
    def _counts_an_event_once(cls, value: tuple[Step, ...]) -> tuple[Step, ...]:
        names = [step.name for step in value]
        event_types = [event_type for step in value for event_type in step.event_types]
        if not names or len(set(names)) != len(names) or len(set(event_types)) != len(event_types):
            raise ValueError("must hold a step, each step once, and each event type in one step")
        if taken := sorted(RESERVED_STEPS & set(names)):
            raise ValueError(f"a step cannot be called {', '.join(taken)}: every session has columns of these names")
        return value

    counts: dict[Name, EventTypes] = Field(default={})
    """Event types by the column that holds how many events of these a session has."""
    first: dict[Name, Name] = Field(default={})
    """Column of Silver by the column that holds its first value in the session that is not null; of events at the same
    time the least."""
    last: dict[Name, Name] = Field(default={})
    """The same of its last value; of events at the same time the greatest."""
    sums: dict[Name, Name] = Field(default={})
    """Column of Silver by the column that holds the sum of its values; LARGEST_AMOUNT and more count nothing."""

    @field_validator("counts", "first", "last", "sums")
    @classmethod
    def _leaves_the_others(cls, value: dict[str, object], info: ValidationInfo) -> dict[str, object]:
        others = {*SESSION_COLUMNS, *(column for step in info.data.get("funnel", ()) for column in step.columns)}
        others |= {column for field in ("counts", "first", "last") for column in info.data.get(field, ())}
        if taken := sorted(others & {*value}):
            raise ValueError(f"a session has its own {', '.join(taken)}: choose other names")
        return value

    @property
    def names_event_types(self) -> bool:
        return True

    @property
    def texts(self) -> dict[str, str]:
        """Column of Silver by those of the table that hold one of its values, and not what these come to."""
        return {"session_id": self.key, **self.first, **self.last}

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns of the table."""
        of_steps = (column for step in self.funnel for column in step.columns)
        return *SESSION_COLUMNS, *of_steps, *self.counts, *self.first, *self.last, *self.sums


class Corrections(Part):
    """Events that say of a fact what one of its columns should have been; the latest of a fact counts."""

    event_types: tuple[str, ...] = Field(min_length=1)
    refers: Name
    """Column of Silver in which a correction names the event id of its fact."""
    column: Name
    """The column of the table that is corrected. A correction has the new value where a fact has the first one."""
    within_days: int = Field(ge=0, le=92)
    """A correction counts on its fact's event date, or at most so many days after it. For so long a date may be made
    anew, and so many days of Silver are read with it."""


class Facts(_Table):
    """One row an event: some columns of Silver, under names of their own."""

    kind: Literal["facts"]
    key: Name
    """What the identity of the event is called."""
    event_types: tuple[str, ...] | None = Field(default=None, min_length=1)
    """The events that are facts. None: all."""
    columns: dict[Name, Name] = Field(min_length=1)
    """Column of Silver by the column of the table."""
    corrections: Corrections | None = None
    """None: a fact is as it was first told."""

    @property
    def names_event_types(self) -> bool:
        return self.event_types is not None

    @field_validator("columns")
    @classmethod
    def _leaves_its_own(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if taken := sorted(name for name in value if name in FACT_COLUMNS or name == info.data.get("key")):
            raise ValueError(f"the facts have their own {', '.join(taken)}: choose other names")
        return value

    @field_validator("corrections")
    @classmethod
    def _correct_facts(cls, value: Corrections | None, info: ValidationInfo) -> Corrections | None:
        if value is None:
            return value
        facts = info.data.get("event_types")
        if not facts or {*facts} & {*value.event_types}:
            raise ValueError("need event_types of the facts, with none of the corrections' among them")
        if value.column not in (columns := info.data.get("columns", {value.column})):
            raise ValueError(f"column must be one of the table's: {', '.join(columns)}")
        return value


class Dimension(_Table):
    """One row a member, such as a user: when it was seen first and last, and what was last known of it.

    What each date says of each member is a table of its own, `<name>_days`, of which the dimension is put together.
    """

    kind: Literal["dimension"]
    key: Name
    """Column of Silver that names the member; the contract requires it."""
    latest: dict[Name, Name] = Field(min_length=1)
    """Column of Silver by the column of the table that holds its last value that was not null."""

    @field_validator("latest")
    @classmethod
    def _leaves_its_own(cls, value: dict[str, str]) -> dict[str, str]:
        if taken := sorted(MEMBER_COLUMNS & set(value)):
            raise ValueError(f"a dimension has its own {', '.join(taken)}: choose other names")
        return value

    def stored(self, name: str) -> tuple[str, ...]:
        # The dimension first: a run that is killed in between still finds in the days whom it has to look at again.
        return name, f"{name}_days"


class History(_Table):
    """What members have, such as the segments of a user, and from when until when: one row an interval.

    It is told by events, each of which says that from its time on a member has a value, or has it no more. These are
    kept in a table of their own, `<name>_changes`, of which the history is put together.
    """

    kind: Literal["history"]
    event_types: EventTypes
    """The events that tell a change."""
    key: Name
    """Column of Silver that names the member; one without it changes nothing, nor does one without the other two."""
    value: Name
    """Column of Silver with the value that the event is about; a member may have several at once."""
    active: Name
    """Column of Silver that says whether it has the value from then on, or no more."""

    @field_validator("key", "value", "active")
    @classmethod
    def _leaves_its_own(cls, value: str, info: ValidationInfo) -> str:
        if value in HISTORY_COLUMNS and info.field_name != "active":
            raise ValueError("a history has a column of this name: choose another")
        if value in (info.data.get("key"), info.data.get("value")):
            raise ValueError("must be another column than key and value")
        return value

    @property
    def names_event_types(self) -> bool:
        return True

    def stored(self, name: str) -> tuple[str, ...]:
        # The history first, for the same reason.
        return name, f"{name}_changes"


class Funnel(_Table):
    """One row a session: which steps it reached, and what its visitor had, such as segments, when it started.

    It is made of the sessions and of a history, by the time at which each session started.
    """

    kind: Literal["funnel"]
    sessions: Name
    """The table of sessions."""
    history: Name
    """The history whose values are the segments."""
    key: Name
    """Column of the sessions that names the history's member: their key, or a first or last value of theirs."""
    columns: tuple[Name, ...] = ()
    """Further columns of the sessions."""

    @property
    def made_of(self) -> tuple[str, ...]:
        return self.sessions, self.history


Table = Annotated[Daily | Sessions | Facts | Dimension | History | Funnel, Field(discriminator="kind")]


class Gold(Part):
    """The tables that are made of Silver, for readers who want figures."""

    event_type: Name | None = None
    """Column of Silver that says what kind of event it is. None: all are of one kind, and nothing names event types."""
    revenue: Revenue | None = None
    """None: no event is worth money."""

    @field_validator("revenue")
    @classmethod
    def _has_event_types(cls, value: Revenue | None, info: ValidationInfo) -> Revenue | None:
        if value is not None and info.data.get("event_type", "") is None:
            raise ValueError("needs gold.event_type: the column that says which events' amounts count")
        return value

    tables: dict[Name, Table] = Field(min_length=1)
    """By their names, which follow the source's: `<source>_<name>`."""

    @field_validator("tables")
    @classmethod
    def _can_be_told_apart(cls, value: dict[str, Table]) -> dict[str, Table]:
        stored = [stored for name, table in value.items() for stored in table.stored(name)]
        if twice := sorted({name for name in stored if stored.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)} would be two tables")
        if [table.kind for table in value.values()].count("sessions") > 1:
            raise ValueError("must hold one table of sessions at most: an event belongs to one session")
        return value

    @field_validator("tables")
    @classmethod
    def _have_the_event_types_they_name(cls, value: dict[str, Table], info: ValidationInfo) -> dict[str, Table]:
        naming = [name for name, table in value.items() if table.names_event_types]
        if naming and info.data.get("event_type", "") is None:
            raise ValueError(f"{', '.join(naming)} cannot be made without gold.event_type: events are told by it")
        return value

    @field_validator("tables")
    @classmethod
    def _hold_what_funnels_are_made_of(cls, value: dict[str, Table]) -> dict[str, Table]:
        for name, table in value.items():
            if not isinstance(table, Funnel):
                continue
            sessions, history = value.get(table.sessions), value.get(table.history)
            if not isinstance(sessions, Sessions) or not isinstance(history, History):
                raise ValueError(f"{name} must name a table of sessions and a history")
            if table.key not in sessions.texts:
                raise ValueError(f"{name}.key must be session_id, or a first or last value of {table.sessions}")
            if unknown := sorted({*table.columns} - {*sessions.columns}):
                raise ValueError(f"{name} names {', '.join(unknown)}, which {table.sessions} does not have")
            columns = [*FUNNEL_COLUMNS, *(step.name for step in sessions.funnel), *table.columns]
            if twice := sorted({column for column in columns if columns.count(column) > 1}):
                raise ValueError(f"{name} would have {', '.join(twice)} twice")
        return value

    @property
    def type_column(self) -> str:
        """Column of Silver that event types stand in. Without `event_type` none is asked for, and any text will do."""
        return self.event_type or "event_id"

    @property
    def published(self) -> dict[str, Table]:
        """The tables in the order in which they are published: what is made of others before these, else by name.

        Whoever reads the declaration off a plan file has its tables in another order than the YAML.
        """
        return dict(sorted(self.tables.items(), key=lambda named: (not named[1].made_of, named[0])))

    @property
    def stored(self) -> tuple[str, ...]:
        """The Iceberg tables that hold Gold, in the order in which they are published."""
        return tuple(stored for name, table in self.published.items() for stored in table.stored(name))

    def made_of(self, funnel: Funnel) -> tuple[Sessions, History]:
        """The tables that a funnel is made of."""
        return cast(Sessions, self.tables[funnel.sessions]), cast(History, self.tables[funnel.history])

    @property
    def session_key(self) -> str | None:
        """Column of Silver without which an event belongs to no session; None: there are no sessions."""
        return next((table.key for table in self.tables.values() if isinstance(table, Sessions)), None)

    @property
    def funnel(self) -> tuple[Step, ...]:
        """The steps of the sessions; none without them."""
        return next((table.funnel for table in self.tables.values() if isinstance(table, Sessions)), ())

    @property
    def digest(self) -> str:
        """SHA-256 of the declaration, its first 16 hex digits."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]
