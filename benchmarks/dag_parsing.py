"""How long does it take to parse all DAG files, and how does that grow with the sources?

The DAG processor parses each file in a process of its own, again and again: what a file imports and each source it
makes a DAG for costs processor time all day. Every DAG that is written pays for importing `airflow.sdk`, so that is
subtracted; what the project imports beyond it (the Amazon provider among others) counts as its own.

Expected: a fixed part for imports, then the same few milliseconds for each source; nothing grows faster than the
sources do.

The project's own sources are parsed, then 5 and 100: copies of `retail_web` under other names, in a copy of the
project that is removed in the end. Seconds are CPU seconds of a fresh process, which other programs disturb little.
Run it anywhere, in three minutes: `make bench`, or `.venv/airflow/bin/python -m benchmarks.dag_parsing`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median

import yaml

from benchmarks.own_project import copy_of_project

ROUNDS = 3
MODEL = "retail_web"
SIZES = (5, 100)
PARSE = """
import json, runpy, sys, time
from airflow.sdk import DAG, Asset, BaseOperator, Param, TaskGroup, TriggerRule, get_current_context, task
imported = time.process_time()
made = runpy.run_path(sys.argv[1])
parsed = time.process_time() - imported
print(json.dumps([imported, parsed, sum(isinstance(value, DAG) for name, value in made.items() if "__" in name)]))
"""


def main() -> None:
    print(f"parsing all DAG files, each in a fresh process: CPU, medians of {ROUNDS}")
    print("  sources    DAGs       all files   a further source   slowest file")
    first: tuple[int, float] | None = None
    for size in (None, *SIZES):
        with copy_of_project("dags", "plugins", "include") as root:
            if size:
                multiply(root / "include", size)
            sources = len(list((root / "include/sources").glob("*.yaml")))
            rounds = [{file.name: parse(root, file) for file in files(root)} for _ in range(ROUNDS + 1)][1:]
        seconds = {name: median(one[name][1] for one in rounds) for name in rounds[0]}
        whole = sum(seconds.values())
        dags = sum(dags for _, _, dags in rounds[0].values())
        slowest = max(seconds, key=seconds.__getitem__)
        first = first or (sources, whole)
        further = f"{1000 * (whole - first[1]) / (sources - first[0]):.1f} ms" if sources > first[0] else ""
        print(
            f"  {sources:7}{dags:8}{1000 * whole:13,.0f} ms{further:>19}   {slowest} {1000 * seconds[slowest]:,.0f} ms"
        )
    imported = median(took for one in rounds for took, _, _ in one.values())
    print(f"  not counted: importing airflow.sdk, {1000 * imported:,.0f} ms a file")


def files(root: Path) -> list[Path]:
    return sorted((root / "dags").glob("*.py"))


def multiply(include: Path, size: int) -> None:
    """Put so many copies of a source in place of all sources."""
    declared = yaml.safe_load((include / f"sources/{MODEL}.yaml").read_text())
    for file in (include / "sources").glob("*.yaml"):
        file.unlink()
    for number in range(size):
        name = f"{MODEL}_{number}"
        shutil.copytree(include / "schemas" / MODEL, include / "schemas" / name)
        (include / f"sources/{name}.yaml").write_text(yaml.safe_dump(declared | {"name": name}))


def parse(root: Path, file: Path) -> tuple[float, float, int]:
    """CPU seconds of importing airflow.sdk, CPU seconds of the file beyond that, and the DAGs that it made."""
    done = subprocess.run(
        [sys.executable, "-c", PARSE, str(file)],
        env=os.environ | {"PYTHONPATH": str(root / "plugins")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"dag parsing: {file.name}:\n{done.stderr}")
    imported, parsed, dags = json.loads(done.stdout.splitlines()[-1])
    return imported, parsed, dags


if __name__ == "__main__":
    main()
