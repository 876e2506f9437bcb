"""`python -m commands.dag_docs`: docs/dags.md from the DAGs themselves; with `--check`, whether it is current."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterable, Iterator
from inspect import cleandoc
from typing import TYPE_CHECKING, Any

from commands.settings import ROOT
from commands.terminal import Failed, command

if TYPE_CHECKING:
    from airflow.sdk import DAG

TARGET = ROOT / "docs" / "dags.md"
HEAD = """# The DAGs

Each file of `dags/` makes its DAG for every source. (Made from the docstrings by `make docs`.)
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m commands.dag_docs")
    parser.add_argument("--check", action="store_true", help="end with 1 when the file is not current")
    with tempfile.TemporaryDirectory() as home:
        text = HEAD + "".join(map(section, one_of_each(load(home))))
    if not parser.parse_args().check:
        TARGET.write_text(text)
    elif TARGET.read_text() != text:
        raise Failed(f"{TARGET.relative_to(ROOT)} is not what the DAGs say", todo="make docs")


def load(home: str) -> Iterable[DAG]:
    """The DAGs, by an Airflow that has its home in an empty folder."""
    os.environ |= {
        "AIRFLOW_HOME": home,
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    }
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(ROOT / "dags"))
    if bag.import_errors:
        raise Failed("\n".join(bag.import_errors.values()))
    return bag.dags.values()


def one_of_each(dags: Iterable[DAG]) -> Iterator[DAG]:
    """The DAGs of the first source: the others' differ from them in nothing that is told here."""
    purposes: dict[str, DAG] = {}
    for dag in sorted(dags, key=lambda dag: dag.dag_id):
        purposes.setdefault(dag.dag_id.partition("__")[2], dag)
    yield from purposes.values()


def section(dag: Any) -> str:
    """One DAG: its own words, its Params, its tasks."""
    params = [f"| `{name}` | {param.description} | `{param.value}` |" for name, param in dag.params.items()]
    tasks = [f"| `{task.task_id}` | {_first_sentence(task)} |" for task in dag.topological_sort()]
    return "\n".join(
        [
            f"\n## `<source>__{dag.dag_id.partition('__')[2]}`\n",
            f"{cleandoc(dag.doc_md or '')}\n",
            *(["| Param | what it does | default |", "|---|---|---|", *params, ""] if params else []),
            "| task | what it does |",
            "|---|---|",
            *tasks,
            "",
        ]
    )


def _first_sentence(task: Any) -> str:
    return " ".join(cleandoc(task.doc_md or "").split("\n\n")[0].split())


if __name__ == "__main__":
    command(main)
