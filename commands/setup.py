"""`python -m commands.setup [SOURCE]`: set up the paths of all sources, or of one, on the cloud that AWS's own
variables name. Prints the plan, then carries it out; a second run changes nothing.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor

import boto3

from clickstream.provisioning.apply import NeedsApproval, apply_all
from clickstream.provisioning.path import path_of
from clickstream.provisioning.plan import as_table, plan
from clickstream.provisioning.resource import Cloud, Resource
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
    """Plan the paths of sources, then apply them side by side: most of the time is spent in waiting for AWS.

    Raises:
        Failed: a resource would have to be replaced; nothing was changed.
    """
    paths = [path_of(source, cloud) for source in sources]
    steps = [plan(resource) for path in paths for resource in path]
    print(as_table(steps), flush=True)
    if refused := [step for step in steps if step.action == "replace"]:
        raise Failed(str(NeedsApproval(refused)))
    if any(step.action != "none" for step in steps):
        with ThreadPoolExecutor() as together:
            list(together.map(_apply, paths))


def _apply(path: list[Resource]) -> None:
    for step in apply_all(path):
        if step.action != "none":
            say(f"{step} - done")


def _unsound(faults: InvalidSources) -> Failed:
    return Failed(f"not every source could be read:\n{faults}")


if __name__ == "__main__":
    command(main)
