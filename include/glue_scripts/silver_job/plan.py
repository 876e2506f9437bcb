"""What a run is asked to do: the plan file, and the manifests of hours that join on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import boto3

from clickstream.lake.objects import read_json
from clickstream.sources.model import Source


class HourUnknown(LookupError):
    """An hour must be processed, and the plan says nothing of what is in it."""


class BronzeObject(NamedTuple):
    """One object of Bronze, as the plan or a manifest saw it."""

    arrival_hour: str
    key: str
    etag: str
    size: int
    contract: str


@dataclass(frozen=True)
class Plan:
    """The run's argument: `--plan s3://<lake>/runs/<...>/plan.json`.

    Attributes:
        run_id: whose run it is; stands in the summary of each snapshot that it makes.
        source: the event feed.
        schemas: JSON Schema by contract version.
        lake: bucket of the objects.
        hours: the arrival hours to process with their objects; an hour without objects is cleared.
        manifests: address of the stored manifest of each other known hour.
    """

    run_id: str
    source: Source
    schemas: dict[str, dict[str, Any]]
    lake: str
    hours: dict[str, list[BronzeObject]]
    manifests: dict[str, str]

    @classmethod
    def of(cls, plan: dict[str, Any]) -> Plan:
        """The plan that a document describes."""
        return cls(
            run_id=plan["run_id"],
            source=Source.model_validate(plan["source"]),
            schemas=plan["schemas"],
            lake=plan["lake"],
            hours={hour["arrival_hour"]: _objects(hour) for hour in plan["hours"]},
            manifests=plan["manifests"],
        )

    def objects(self, arrival_hour: str) -> list[BronzeObject]:
        """The objects of an hour: of the plan's own, else by its manifest.

        Raises:
            HourUnknown: the plan has neither.
        """
        if arrival_hour in self.hours:
            return self.hours[arrival_hour]
        if arrival_hour not in self.manifests:
            raise HourUnknown(f"{arrival_hour} must be processed too, and the plan has no manifest of it")
        return _objects(read_json(boto3.client("s3"), self.manifests[arrival_hour]))


def _objects(hour: dict[str, Any]) -> list[BronzeObject]:
    return [
        BronzeObject(hour["arrival_hour"], each["key"], each["etag"], each["size"], hour["contract"])
        for each in hour["objects"]
    ]
