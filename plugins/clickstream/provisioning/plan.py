"""The plan: for each resource what has to be done to it, and why, field by field."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import TypeAdapter

from clickstream.provisioning.resource import Difference, Resource, Settings

Action = Literal["create", "update", "replace", "delete", "none"]


@dataclass(frozen=True)
class Step:
    """What has to be done to one resource.

    Attributes:
        differences: each setting that is not as desired; for a creation all of them, live as None.
        dearer: fields of those that make an existing resource's bill higher.
    """

    source: str
    kind: str
    name: str
    action: Action
    differences: tuple[Difference, ...] = ()
    dearer: tuple[str, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why a person has to agree."""
        what = f"{self.kind} {self.name}"
        grave = {
            "replace": (f"{what} is deleted and made anew: what it holds is lost",),
            "delete": (f"{what} is deleted",),
        }
        dearer = (f"{what} gets dearer: {', '.join(self.dearer)}",) if self.dearer else ()
        return grave.get(self.action, ()) + dearer

    @property
    def needs_approval(self) -> bool:
        """Whether a person has to agree: something would be replaced, deleted or made dearer."""
        return bool(self.reasons)

    def covers(self, other: Step) -> bool:
        """Whether whoever agreed to this step agreed to the other: it does the rest of it, or nothing.

        That is what is left to do when a step was broken off: a replaced resource is to be created, of two settings
        one is as desired already.
        """
        if other.action == "none":
            return True
        rest = {difference.field: difference.desired for difference in other.differences}
        ours = {difference.field: difference.desired for difference in self.differences}
        graver = {"create": ("update",), "replace": ("create", "update")}
        return (
            (self.source, self.kind, self.name) == (other.source, other.kind, other.name)
            and other.action in (self.action, *graver.get(self.action, ()))
            and (other.action == "create" or rest.items() <= ours.items())
        )

    def __str__(self) -> str:
        what = f"{self.action} {self.kind} {self.name}"
        if self.action in ("create", "delete", "none"):
            return what
        return f"{what} ({'; '.join(map(str, self.differences))})"


STEPS = TypeAdapter(tuple[Step, ...])
"""Steps as JSON and back."""


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
    dearer = tuple(d.field for d in differences if resource.is_dearer(d)) if action in ("update", "replace") else ()
    return Step(resource.source.name, resource.kind, resource.name, action, differences, dearer)


def plan_removal(resource: Resource) -> Step:
    """The step that deletes a resource, or none when it does not exist. Changes nothing."""
    action: Action = "none" if resource.live() is None else "delete"
    return Step(resource.source.name, resource.kind, resource.name, action)


def compare(live: Settings, desired: Settings) -> tuple[Difference, ...]:
    """The settings that differ, the desired ones first; one that is on one side only is None on the other."""
    fields = [*desired, *(field for field in live if field not in desired)]
    return tuple(
        Difference(field, live.get(field), desired.get(field))
        for field in fields
        if live.get(field) != desired.get(field)
    )


def digest(steps: Sequence[Step]) -> str:
    """Identity of a plan, 12 hex digits: whoever approves it approves this and nothing else."""
    return hashlib.sha256(STEPS.dump_json(tuple(steps))).hexdigest()[:12]


def as_table(steps: Sequence[Step]) -> str:
    """The plan for a reader at a terminal: a line a resource, a line each difference of what changes, and a sum."""
    rows = [_HEADINGS, *_rows(steps)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [" ".join(cell.ljust(width + 1) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([*map(str.rstrip, lines), "", summary(steps)])


def as_markdown(steps: Sequence[Step]) -> str:
    """The plan for a reader of the pages: what changes, and what needs approval and why."""
    changed = [step for step in steps if step.action != "none"]
    lines = [summary(steps)]
    if changed:
        rows = [_HEADINGS, ("---",) * len(_HEADINGS), *_rows(changed)]
        lines += ["", *(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)]
    lines += ["", *(f"- {reason}" for step in steps for reason in step.reasons)]
    return "\n".join(lines).rstrip()


def summary(steps: Iterable[Step]) -> str:
    """The plan in a sentence."""
    counts = Counter(step.action for step in steps)
    if set(counts) <= {"none"}:
        return f"Nothing changes: all {counts['none']} resources are as declared."
    told = [f"{counts[action]} to {action}" for action in ("create", "update", "replace")]
    if counts["delete"]:
        told = [f"{counts['delete']} to delete"]
    return f"{', '.join(told)}, {counts['none']} unchanged."


_HEADINGS = ("SOURCE", "ACTION", "KIND", "NAME", "CHANGE")


def _rows(steps: Sequence[Step]) -> Iterable[tuple[str, ...]]:
    for step in steps:
        changes = list(map(str, step.differences)) if step.action in ("update", "replace") else [""]
        yield step.source, step.action, step.kind, step.name, changes[0]
        yield from (("", "", "", "", change) for change in changes[1:])
