"""What a run prints: into its file, and into CloudWatch Logs as Glue does.

stdout goes to the group /aws-glue/jobs/output, stderr to /aws-glue/jobs/error, each to a stream named as the run.
"""

import contextlib
import logging
import os
import threading
import time
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local.settings import client

GROUP = "/aws-glue/jobs"
LONGEST_LINE = 150_000
"""A longer line is cut: CloudWatch takes 256 KiB an event, and a line can grow by one read beyond this."""
_MOST_EVENTS = 10_000
_CHUNK = 65_536

logger = logging.getLogger(__name__)


class RunLog:
    """The log of one run: two pipes that are read until the last process that holds them has ended."""

    def __init__(self, run_id: str, path: Path) -> None:
        self._run_id = run_id
        self._path = path
        self._readers: list[threading.Thread] = []

    def pipe(self, name: str) -> int:
        """A new pipe's end to write to, for ``output`` or ``error``; the caller closes it when it is handed on."""
        read, write = os.pipe()
        reader = threading.Thread(target=self._follow, args=(read, name), name=f"{self._run_id} {name}", daemon=True)
        reader.start()
        self._readers.append(reader)
        return write

    def wait(self) -> None:
        """Block until all that was written is kept."""
        for reader in self._readers:
            reader.join()

    def _follow(self, pipe: int, name: str) -> None:
        # One put a read: while it goes on, the pipe collects the next lines.
        rest = b""
        with open(pipe, "rb", buffering=0) as stream, self._path.open("ab", buffering=0) as file:
            while chunk := stream.read(_CHUNK):
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) >= LONGEST_LINE:
                    lines, rest = [*lines, rest], b""
                # Whole lines in one write, or the two streams would break into each other's.
                file.write(b"".join(line + b"\n" for line in lines))
                self._put(name, lines)
            file.write(rest)
            self._put(name, [rest])

    def _put(self, name: str, lines: list[bytes]) -> None:
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": line.decode(errors="replace")} for line in lines if line]
        group = f"{GROUP}/{name}"
        try:
            for start in range(0, len(events), _MOST_EVENTS):
                _put_events(group, self._run_id, events[start : start + _MOST_EVENTS])
        except (BotoCoreError, ClientError):
            # The run goes on, and its file has the lines.
            logger.exception("lines of %s did not get into CloudWatch Logs", self._run_id)


def _put_events(group: str, stream: str, events: list[dict[str, object]]) -> None:
    logs = client("logs")
    try:
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    except logs.exceptions.ResourceNotFoundException:
        for create, names in (
            (logs.create_log_group, {"logGroupName": group}),
            (logs.create_log_stream, {"logGroupName": group, "logStreamName": stream}),
        ):
            with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
                create(**names)
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
