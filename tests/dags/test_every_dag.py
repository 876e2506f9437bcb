"""What holds of every DAG: it is loaded, explains itself, is retried, pages when it fails, and is quick to parse."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization

from clickstream.airflow.notifiers.page import PageOnFailure
from clickstream.sources import loader
from tests.dags.airflow_home import ROOT

FILES = sorted((ROOT / "dags").glob("*_dag.py"))
DAGS = {
    "chart_affiliates__provision": 8,
    "chart_affiliates__health": 3,
    "chart_affiliates__hourly": 11,
    "chart_affiliates__daily": 21,
    "chart_affiliates__lake_maintenance": 5,
    "retail_web__provision": 8,
    "retail_web__health": 3,
    "retail_web__hourly": 11,
    "retail_web__daily": 21,
    "retail_web__lake_maintenance": 5,
    "shop_clicks__provision": 7,
    "shop_clicks__health": 3,
    "shop_clicks__hourly": 11,
    "shop_clicks__daily": 21,
    "shop_clicks__lake_maintenance": 5,
}
"""Tasks of each DAG."""

HEAVY = (
    "great_expectations",
    "pandas",
    "pyspark",
    "pyarrow",
    "snowflake.connector",
    "airflow.providers.amazon.aws.hooks.glue",
)
"""What costs the DAG processor seconds at each parse, or megabytes."""


@pytest.fixture(scope="module")
def bag() -> DagBag:
    return DagBag(str(ROOT / "dags"))


def test_all_are_loaded_without_an_error_and_no_others(bag: DagBag) -> None:
    assert bag.import_errors == {}
    assert {name: len(dag.tasks) for name, dag in bag.dags.items()} == DAGS
    assert len(FILES) == len({name.split("__")[1] for name in DAGS})


@pytest.mark.parametrize("name", DAGS)
def test_every_task_is_retried_explained_and_pages_when_it_fails_for_good(bag: DagBag, name: str) -> None:
    for task in bag.dags[name].tasks:
        assert task.retries, task.task_id
        assert task.doc_md, task.task_id
        callbacks: Any = task.on_failure_callback
        (callback,) = callbacks
        assert isinstance(callback, PageOnFailure)
        assert callback.source == name.split("__")[0]


@pytest.mark.parametrize("name", DAGS)
def test_its_page_says_when_it_runs_and_what_running_it_by_hand_or_twice_does(bag: DagBag, name: str) -> None:
    dag = bag.dags[name]
    assert dag.doc_md
    for told in ("**When.**", "**By hand.**", "**Run twice.**"):
        assert told in dag.doc_md
    assert dag.tags == set(name.split("__"))
    for param in map(dag.params.get_param, dag.params):
        assert param.description
        assert param.schema.get("title")


@pytest.mark.filterwarnings("ignore:GitWildMatchPattern:DeprecationWarning")  # Airflow's reading of .airflowignore
@pytest.mark.parametrize("name", DAGS)
def test_it_can_be_stored_and_read_back(bag: DagBag, name: str) -> None:
    stored = DagSerialization.from_dict(DagSerialization.to_dict(bag.dags[name]))
    assert set(stored.task_ids) == set(bag.dags[name].task_ids)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_parsing_imports_nothing_heavy(file: Path) -> None:
    """In a fresh interpreter, as the DAG processor has one for each file."""
    script = (
        "import runpy, sys\n"
        f"runpy.run_path({str(file)!r})\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(ROOT / "plugins")},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


class TestBrokenSource:
    """A source file that is not sound, beside one that is."""

    @pytest.fixture
    def broken(self, tmp_path: Path) -> Iterator[DagBag]:
        """The project's DAG file over a copy of `include/`, in which a second source is broken."""
        for part in ("dags", "plugins", "include"):
            shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
        sources = tmp_path / "include" / "sources"
        declared = yaml.safe_load((sources / "retail_web.yaml").read_text())
        declared |= {"name": "market", "surprise": 1}
        declared["stream"]["shards"] = 0
        (sources / "market.yaml").write_text(yaml.safe_dump(declared))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loader.load_sources, "__defaults__", (tmp_path / "include",))
            yield DagBag(str(tmp_path / "dags"))

    def test_the_sound_source_keeps_its_dag(self, broken: DagBag) -> None:
        assert set(broken.dags) == set(DAGS)

    def test_the_broken_one_is_an_import_error_that_names_every_fault(self, broken: DagBag) -> None:
        (error,) = broken.import_errors.values()
        assert "sources/market.yaml: stream.shards = 0" in error
        assert "sources/market.yaml: surprise = 1: unknown key" in error
        assert "retail_web.yaml" not in error
