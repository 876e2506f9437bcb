"""`python -m commands.setup [SOURCE]`: set up the paths of all sources, or of one, on the cloud that AWS's own
variables name. Prints the plan, then carries it out; a second run changes nothing.
"""

from __future__ import annotations

import argparse

import boto3

from clickstream.provisioning.apply import NeedsApproval, apply_all
from clickstream.provisioning.path import path_of
from clickstream.provisioning.plan import as_table, plan
from clickstream.provisioning.resource import Cloud
from clickstream.sources.loader import InvalidSources, load_sources
from clickstream.sources.model import Source
from commands.terminal import Failed, command, say


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m commands.setup")
    parser.add_argument("source", nargs="?", metavar="SOURCE", help="one source; without it, all of them")
    wanted = parser.parse_args().source
    sources, faults = load_sources()
    if wanted:
        if wanted not in sources:
            raise _unsound(faults) if faults else Failed(f"include/sources/ holds no {wanted}.yaml")
        sources, faults = {wanted: sources[wanted]}, None
    set_up(list(sources.values()), Cloud.of(boto3.Session()))
    if faults:
        raise _unsound(faults)


def set_up(sources: list[Source], cloud: Cloud) -> None:
    """Plan and apply the paths of sources.

    Raises:
        Failed: a resource would have to be replaced; nothing was changed.
    """
    resources = [resource for source in sources for resource in path_of(source, cloud)]
    steps = list(map(plan, resources))
    print(as_table(steps), flush=True)
    if all(step.action == "none" for step in steps):
        return
    try:
        for step in apply_all(resources):
            if step.action != "none":
                say(f"{step} - done")
    except NeedsApproval as refused:
        raise Failed(str(refused)) from refused


def _unsound(faults: InvalidSources) -> Failed:
    return Failed(f"not every source could be read:\n{faults}")


if __name__ == "__main__":
    command(main)
