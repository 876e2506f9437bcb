"""What a source declares as its Gold: tables that are made of Silver, each of a kind (docs/gold.md)."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from clickstream.sources.part import Name, Part

LARGEST_AMOUNT = 1_000_000_000
"""Amounts of this and more are taken for faults of the client and count nothing: no sum may overflow by one event."""
MEASURES = frozenset({"event_count", "revenue"})
"""Columns of a daily table beside its dimensions."""
RESERVED_STEPS = frozenset({"started", "ended", "event"})
"""Steps whose columns, `<step>_at` and `<step>_count`, every session has already."""
FACT_COLUMNS = frozenset({"event_date", "corrected_by", "corrected_at"})
"""Columns of facts beside their key and what is told of them."""
MEMBER_COLUMNS = frozenset({"event_date", "first_seen", "last_seen", "event_count"})
"""Columns of a dimension beside its key and what is known of its members."""


class Revenue(Part):
    """What an event is worth in money."""

    column: Name
    """Column of Silver with the amount, a number below LARGEST_AMOUNT; it is rounded to hundredths."""
    event_types: tuple[str, ...] = Field(min_length=1)
    """The events whose amount counts."""


class Step(Part):
    """One step of a funnel."""

    name: Name
    """The columns of the step are called by it: `<name>_at`, `<name>_count`."""
    event_types: tuple[str, ...] = Field(min_length=1)
    """The events that take a visitor there."""


class _Table(Part):
    """A table of Gold; its kinds say what a row of it is."""

    def stored(self, name: str) -> tuple[str, ...]:
        """The Iceberg tables that hold it, in the order in which they are published."""
        return (name,)


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


Table = Annotated[Daily | Sessions | Facts | Dimension, Field(discriminator="kind")]


class Gold(Part):
    """The tables that are made of Silver, for readers who want figures."""

    event_type: Name
    """Column of Silver that says what kind of event it is."""
    revenue: Revenue | None = None
    """None: no event is worth money."""
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

    @property
    def stored(self) -> tuple[str, ...]:
        """The Iceberg tables that hold Gold, in the order in which they are published."""
        return tuple(stored for name, table in self.tables.items() for stored in table.stored(name))

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
