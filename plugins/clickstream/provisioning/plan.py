"""The plan: for each resource what has to be done to it, and why, field by field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from clickstream.provisioning.resource import Difference, Resource, Settings

Action = Literal["create", "update", "replace", "none"]


@dataclass(frozen=True)
class Step:
    """What has to be done to one resource.

    Attributes:
        differences: each setting that is not as desired; for a creation all of them, live as None.
    """

    source: str
    kind: str
    name: str
    action: Action
    differences: tuple[Difference, ...] = ()

    def __str__(self) -> str:
        what = f"{self.action} {self.kind} {self.name}"
        if self.action in ("create", "none"):
            return what
        return f"{what} ({'; '.join(map(str, self.differences))})"


def plan(resource: Resource) -> Step:
    """Compare a resource with what lives on AWS. Changes nothing."""
    live = resource.live()
    differences = compare(live or {}, resource.desired())
    action: Action
    if live is None:
        action = "create"
    elif any(map(resource.needs_replacement, differences)):
        action = "replace"
    else:
        action = "update" if differences else "none"
    return Step(resource.source.name, resource.kind, resource.name, action, differences)


def compare(live: Settings, desired: Settings) -> tuple[Difference, ...]:
    """The settings that differ, the desired ones first; one that is on one side only is None on the other."""
    fields = [*desired, *(field for field in live if field not in desired)]
    return tuple(
        Difference(field, live.get(field), desired.get(field))
        for field in fields
        if live.get(field) != desired.get(field)
    )


def as_table(steps: Sequence[Step]) -> str:
    """The plan for a reader: a line a resource, a line each difference of what changes, and a sum."""
    rows = [("SOURCE", "ACTION", "KIND", "NAME", "CHANGE")]
    for step in steps:
        changes = list(map(str, step.differences)) if step.action in ("update", "replace") else [""]
        rows.append((step.source, step.action, step.kind, step.name, changes[0]))
        rows += [("", "", "", "", change) for change in changes[1:]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [" ".join(cell.ljust(width + 1) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([*map(str.rstrip, lines), "", summary(steps)])


def summary(steps: Iterable[Step]) -> str:
    """The plan in a sentence."""
    counts = Counter(step.action for step in steps)
    if set(counts) <= {"none"}:
        return f"Nothing changes: all {counts['none']} resources are as declared."
    return (
        f"{counts['create']} to create, {counts['update']} to update, {counts['replace']} to replace, "
        f"{counts['none']} unchanged."
    )
