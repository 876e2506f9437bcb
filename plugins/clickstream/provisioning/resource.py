"""What every kind of resource can say and do: what it should be, what it is, and how it becomes that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Self

import boto3

from clickstream.lake.names import Names
from clickstream.sources.model import Source

Value = str | int | None
"""One setting; None: it is not there."""
Settings = Mapping[str, Value]


@dataclass(frozen=True)
class Cloud:
    """One account in one region: its names, and its boto3 clients by service name."""

    names: Names
    client: Callable[[str], Any]

    @classmethod
    def of(cls, session: boto3.Session) -> Self:
        """The account and region that a session belongs to; each client is made once."""
        client = cache(session.client)
        return cls(Names.of(client("sts")), client)


@dataclass(frozen=True)
class Difference:
    """One setting that is not as it should be."""

    field: str
    live: Value
    desired: Value

    @property
    def grows(self) -> bool:
        """Whether it is a number that gets greater."""
        return isinstance(self.live, int) and isinstance(self.desired, int) and self.desired > self.live

    def __str__(self) -> str:
        return f"{self.field}: {_text(self.live)} -> {_text(self.desired)}"


def _text(value: Value) -> str:
    return "absent" if value is None else repr(value)


@dataclass(frozen=True)
class Resource(ABC):
    """One resource of a source's path; its subclasses are the kinds, a module each.

    Every method can be repeated after a kill at any point: `live` waits until a creation or change under
    way has ended, `create`, `update` and `delete` return when theirs has.
    """

    source: Source
    cloud: Cloud

    holds_data: ClassVar[bool] = False
    """Whether records go with it when it is deleted."""
    shared: ClassVar[bool] = False
    """Whether other sources use it: it outlives the path."""

    @classmethod
    def is_part_of(cls, source: Source) -> bool:
        """Whether a source has one; the kinds that some lack say so."""
        return True

    @classmethod
    def all_of(cls, source: Source, cloud: Cloud) -> list[Self]:
        """Those of its kind that a source has."""
        return [cls(source, cloud)] if cls.is_part_of(source) else []

    @property
    @abstractmethod
    def kind(self) -> str:
        """What it is to the path, which has one of each."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Its name on AWS."""

    @abstractmethod
    def desired(self) -> Settings:
        """Its settings as the source declares them. Reads nothing from AWS."""

    @abstractmethod
    def live(self) -> Settings | None:
        """Its settings as they are on AWS; None when it does not exist."""

    @abstractmethod
    def create(self) -> None:
        """Make it; it does not exist."""

    @abstractmethod
    def update(self, differences: Sequence[Difference]) -> None:
        """Change the settings that differ, in place."""

    @abstractmethod
    def delete(self) -> None:
        """Delete it with what it holds, and return when it is gone; it exists."""

    def needs_replacement(self, difference: Difference) -> bool:
        """Whether AWS cannot change this setting of an existing resource."""
        return False

    def is_dearer(self, difference: Difference) -> bool:
        """Whether this change of an existing resource makes its monthly bill higher."""
        return False
