"""The expectations of a source: one Great Expectations suite a tier, `include/expectations/<source>/<tier>.json`.

A suite is in Great Expectations' own form. Its `meta` says what is measured for it; each expectation has a name in its
`meta`, a severity, and in its `notes` why it is there. All thresholds are in these files.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from clickstream.sources.loader import INCLUDE
from clickstream.sources.model import COMMON_COLUMNS, Source
from clickstream.sources.part import Name

FOLDER = INCLUDE / "expectations"

Tier = Literal["bronze", "silver"]
TIERS: tuple[Tier, ...] = get_args(Tier)
Severity = Literal["critical", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)


class InvalidSuite(ValueError):
    """A suite cannot be meant; one line each fault, with the file."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Usual(_Part):
    """Which hours before an hour say how much usually arrives: that many, so far apart."""

    hours_apart: int = Field(ge=1)
    """24: the same hour of each day; 168: of each week."""
    times: int = Field(ge=3, le=60)


class Measures(_Part):
    """What is measured for a suite: the `meta` of its file."""

    kind: Name | None = None
    """Column of Silver that says what kind of event it is: columns are also measured by it."""
    columns: tuple[Name, ...] = ()
    """Columns of Silver that are measured. Athena reads these and no others."""
    values_of: tuple[Name, ...] = ()
    """Those of them with few values: the values are counted."""
    usual: Usual | None = None


class _Meta(BaseModel):
    name: Name


class _Expectation(_Part):
    type: str
    kwargs: dict[str, Any]
    meta: _Meta
    notes: str = Field(min_length=1)
    severity: Severity


class _Document(_Part):
    name: str
    notes: str = Field(min_length=1)
    meta: Measures
    expectations: tuple[_Expectation, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Suite:
    """The expectations of one tier.

    Attributes:
        document: the file, as Great Expectations reads it.
        digest: SHA-256 of the file, its first 16 hex digits.
        measures: what is measured for it.
        severities: of its expectations, by name.
    """

    tier: Tier
    document: Mapping[str, Any]
    digest: str
    measures: Measures
    severities: Mapping[str, Severity]


def has_suites(source: Source) -> bool:
    """Whether anything is expected of a source's data."""
    return (FOLDER / source.name).is_dir()


def load_suites(source: Source, folder: Path = FOLDER) -> dict[Tier, Suite]:
    """The suites of a source, by tier.

    Args:
        folder: holds a folder for each source.

    Raises:
        FileNotFoundError: a tier has no suite.
        InvalidSuite: with every fault of the first file that has any.
    """
    return {tier: _load(source, tier, folder / source.name / f"{tier}.json") for tier in TIERS}


def _load(source: Source, tier: Tier, path: Path) -> Suite:
    body = path.read_bytes()
    try:
        document = orjson.loads(body)
        suite = _Document.model_validate(document)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        raise InvalidSuite(_told(path, lines)) from error
    except orjson.JSONDecodeError as error:
        raise InvalidSuite(_told(path, [str(error)])) from error
    if faults := list(_faults(source, tier, suite)):
        raise InvalidSuite(_told(path, faults))
    severities = {expectation.meta.name: expectation.severity for expectation in suite.expectations}
    return Suite(tier, document, hashlib.sha256(body).hexdigest()[:16], suite.meta, severities)


def _faults(source: Source, tier: Tier, suite: _Document) -> Iterator[str]:
    if suite.name != f"{source.name}.{tier}":
        yield f"name: {suite.name!r}; it must be {source.name}.{tier}"
    names = Counter(expectation.meta.name for expectation in suite.expectations)
    for name in (name for name, count in names.items() if count > 1):
        yield f"expectations: the name {name!r} stands twice"
    measures, columns = suite.meta, {*source.silver, *COMMON_COLUMNS}
    for name in (name for name in measures.columns if name not in columns):
        yield f"meta.columns: {name!r} is no column of Silver"
    for name in {*measures.values_of, *filter(None, [measures.kind])} - {*measures.columns}:
        yield f"meta.columns: {name!r} is named elsewhere in meta, and not measured"
    if tier == "silver" and not (measures.columns and measures.values_of):
        yield "meta: columns and values_of must name a column"


def _told(path: Path, faults: list[str]) -> str:
    return "\n".join(f"{path.parent.name}/{path.name}: {fault}" for fault in faults)
