"""Runs a Glue script as Glue's own /tmp/runscript.py does: as ``__main__``, with the job's arguments.

``runscript.py RESULT SCRIPT ARGUMENTS…``: when the script fails, the text of its error is written to the file
RESULT. The whole process group dies with the local cloud: its end of our standard input closes even when it is
killed, and then nobody would be left to stop this Spark.
"""

import os
import runpy
import signal
import sys
import threading
import traceback
from pathlib import Path


def _die_with(pipe: int) -> None:
    os.read(pipe, 1)
    os.killpg(0, signal.SIGKILL)


def _describe(error: BaseException) -> str:
    # Of an error out of the JVM only the part before its stack.
    text = str(error).split("\n\tat ", 1)[0]
    return f"{type(error).__name__}: {' '.join(text.split())}"


def main(result: str, script: str) -> None:
    """Run the script; the exit code is 1 when it failed."""
    cloud = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    threading.Thread(target=_die_with, args=(cloud,), daemon=True).start()
    sys.argv = sys.argv[2:]
    sys.path[0] = str(Path(script).parent)
    try:
        runpy.run_path(script, run_name="__main__")
    except BaseException as error:
        if isinstance(error, SystemExit) and error.code in (None, 0):
            return
        traceback.print_exc()
        Path(result).write_text(_describe(error))
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:3])
