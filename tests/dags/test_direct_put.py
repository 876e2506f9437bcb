"""A source without a stream, beside the shipped one: the same DAGs, in which nothing looks for a stream."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag

from clickstream.sources import loader
from tests.dags.airflow_home import ROOT

SOURCES = ("chart_affiliates", "retail_web", "shop_clicks", "market")
LACKS = {
    "provision": {"is_in_stream"},
    "daily": {"quality.measure", "quality.validate", "quality.verdict"},
}
"""There is no stream to look into, and nothing in `include/expectations/` for it."""
PURPOSES = ("provision", "health", "hourly", "daily", "lake_maintenance")


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagBag]:
    """The project's DAGs over a copy of `include/` with a second source."""
    include = tmp_path_factory.mktemp("project") / "include"
    shutil.copytree(ROOT / "include", include)
    shutil.copytree(include / "schemas" / "retail_web", include / "schemas" / "market")
    declared = yaml.safe_load((include / "sources" / "retail_web.yaml").read_text())
    del declared["stream"]
    declared |= {"name": "market", "tiers": [tier for tier in declared["tiers"] if tier != "stream"]}
    (include / "sources" / "market.yaml").write_text(yaml.safe_dump(declared))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader.load_sources, "__defaults__", (include,))
        yield DagBag(str(ROOT / "dags"))


def test_it_has_every_dag_that_a_source_with_a_stream_has(bag: DagBag) -> None:
    assert bag.import_errors == {}
    assert set(bag.dags) == {f"{source}__{purpose}" for source in SOURCES for purpose in PURPOSES}


@pytest.mark.parametrize("purpose", PURPOSES)
def test_their_tasks_are_the_same_but_for_what_it_lacks(bag: DagBag, purpose: str) -> None:
    with_stream, without = (bag.dags[f"{source}__{purpose}"].task_ids for source in ("retail_web", "market"))
    assert set(with_stream) - set(without) == LACKS.get(purpose, set())
    assert set(without) <= set(with_stream)


def test_the_canary_is_waited_for_in_bronze(bag: DagBag) -> None:
    dag = bag.dags["market__provision"]
    assert dag.get_task("is_in_bronze").upstream_task_ids == {"send_canary"}
    assert [task.task_id for task in dag.leaves] == ["details"]
    assert dag.get_task("details").upstream_task_ids == {"is_in_bronze"}
