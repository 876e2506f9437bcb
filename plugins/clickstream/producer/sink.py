"""Where the records of a source are put: what its stream and a delivery that is put to directly have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar, NamedTuple

import boto3
from botocore.config import Config

from clickstream.sources.model import Source

Entry = Mapping[str, Any]
"""One record in the form of the request."""


@dataclass(frozen=True)
class Limits:
    """What a service takes: entries in a request, bytes in a request, bytes in one entry."""

    entries: int
    request_bytes: int
    entry_bytes: int


class Answer(NamedTuple):
    """The answer to a put.

    Attributes:
        outcomes: one an entry, in their order; that of a refused one has an `ErrorCode`.
        at: time of the answer, by the service's clock.
    """

    outcomes: Sequence[Mapping[str, Any]]
    at: datetime


class Sink(ABC):
    """Puts records into the entrance of a source's path, once and without judging what becomes of them.

    Args:
        source: names the stream or the delivery.
        session: a boto3 session; by default the one that AWS's own variables make.

    Attributes:
        client: of the service, without retries of its own: they would send whole requests again, unseen by the receipt.
    """

    service: ClassVar[str]
    limits: ClassVar[Limits]
    passing: ClassVar[frozenset[str]]
    """Codes of refusals that pass: the record may be put again."""

    def __init__(self, source: Source, session: Any = boto3) -> None:
        config = Config(connect_timeout=5, read_timeout=15, retries={"total_max_attempts": 1})
        self.client = session.client(self.service, config=config)

    @property
    def absent(self) -> type[Exception]:
        """The error of every call when there is no such stream or delivery."""
        error: type[Exception] = self.client.exceptions.ResourceNotFoundException
        return error

    @abstractmethod
    def entry(self, raw: bytes, raw_hash: str) -> Entry:
        """A raw record, ended by one LF, as it goes into a request."""

    @abstractmethod
    def size(self, entry: Entry) -> int:
        """Bytes of an entry that the service's limits count."""

    @abstractmethod
    def put(self, entries: Sequence[Entry]) -> Answer:
        """Put entries, within the limits.

        Raises:
            botocore.exceptions.ClientError: the service refused the whole request, or failed in it.
            botocore.exceptions.BotoCoreError: it could not be reached, or did not answer.
        """

    @abstractmethod
    def time(self) -> datetime:
        """The service's time, asked for without putting anything.

        Raises:
            botocore.exceptions.ClientError: no such stream or delivery, or no right to it.
            botocore.exceptions.BotoCoreError: the service cannot be reached.
        """


def answered_at(answer: Mapping[str, Any]) -> datetime:
    """When a service gave an answer.

    An answer is dated once the records are stored: none arrives later than its acknowledgement says.
    """
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
