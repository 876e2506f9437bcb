"""Making a path what its source declares, one resource after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clickstream.provisioning.plan import Step, plan
from clickstream.provisioning.resource import Resource


class ReplacementRefused(RuntimeError):
    """Something would have to be deleted and made anew, which loses what it holds; nothing was changed."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = tuple(steps)
        super().__init__(
            "AWS cannot change this in place, and nothing is deleted without approval. Put the declaration "
            "back, or remove the resource by hand if what it holds may go:\n" + "\n".join(map(str, steps))
        )


def apply(resource: Resource) -> Step:
    """Plan one resource afresh and do what the plan says; returns when AWS has done it.

    Returns:
        The step as it was taken.

    Raises:
        ReplacementRefused: the resource would have to be replaced.
    """
    step = plan(resource)
    match step.action:
        case "create":
            resource.create()
        case "update":
            resource.update(step.differences)
        case "replace":
            raise ReplacementRefused([step])
    return step


def apply_all(resources: Sequence[Resource]) -> Iterator[Step]:
    """Apply resources in their order, which is that of their dependencies; yields each step when it is done.

    Killed in between, the next call goes on from there.

    Raises:
        ReplacementRefused: before anything is changed, naming every resource that would have to be replaced.
    """
    refused = [step for step in map(plan, resources) if step.action == "replace"]
    if refused:
        raise ReplacementRefused(refused)
    yield from map(apply, resources)
