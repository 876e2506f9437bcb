"""Great Expectations at work on rows that are already measured.

Importing it takes seconds and some 280 MB: only the task that validates imports this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import great_expectations as gx
import orjson
import pandas as pd
from great_expectations.core.expectation_suite import ExpectationSuite
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView

from clickstream.quality.data_docs import outcome
from clickstream.quality.measures import Row
from clickstream.quality.suites import SEVERITIES, Severity, Suite

COLUMNS = (
    "about", "span", "arrival_hour", "kind", "name", "value", "records", "count", "share", "filled", "different",
    "distinct", "lowest", "highest", "mean", "usual", "usual_hours", "of_usual", "deviations", "declared", "found",
)  # fmt: skip
"""Of the rows of both tiers, so that an expectation finds its column whatever there was to measure."""
NAMING = ["about", "arrival_hour", "kind", "name", "value"]
"""What tells one row from another."""
SHOWN = 20
"""Rows that a result names for each expectation."""


class SuiteBroken(RuntimeError):
    """Expectations could not be evaluated; one line each, with its name."""


@dataclass(frozen=True)
class Validation:
    """What a suite found.

    Attributes:
        document: the validation result in Great Expectations' form.
        page: its page of the Data Docs, as Great Expectations renders it.
        failed: names of the expectations that failed, by severity.
        unjudged: names of those that no row was about.
    """

    document: dict[str, Any]
    page: str
    failed: Mapping[Severity, tuple[str, ...]]
    unjudged: tuple[str, ...]


def validate(suite: Suite, rows: Sequence[Row]) -> Validation:
    """Hold rows against a suite.

    Raises:
        SuiteBroken: an expectation names a column that no row has, or has a condition that is none.
    """
    context = gx.get_context(mode="ephemeral", project_config=_nothing_kept())
    asset = context.data_sources.add_pandas("measured").add_dataframe_asset(suite.document["name"])
    batch = asset.add_batch_definition_whole_dataframe("rows").get_batch(
        {"dataframe": pd.DataFrame(rows, columns=COLUMNS)}
    )
    expected = context.suites.add(ExpectationSuite(**suite.document))
    result = batch.validate(
        expected,
        result_format={
            "result_format": "SUMMARY",
            "unexpected_index_column_names": NAMING,
            "partial_unexpected_count": SHOWN,
        },
    )
    # What it calls JSON still has numpy's numbers in it.
    document = orjson.loads(orjson.dumps(result.to_json_dict(), option=orjson.OPT_SERIALIZE_NUMPY))
    _refuse_broken(document["results"])
    return Validation(
        document=document,
        page=_Sections().render(ValidationResultsPageRenderer().render(result)),
        failed=_failed(suite, document["results"]),
        unjudged=tuple(sorted(_name(each) for each in document["results"] if outcome(each) == "unjudged")),
    )


def _nothing_kept() -> DataContextConfig:
    """A context in memory: no files, no telemetry (as GX_ANALYTICS_ENABLED=false), no progress bars in the log."""
    return DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
        analytics_enabled=False,
    )


def _refuse_broken(results: Sequence[Mapping[str, Any]]) -> None:
    broken = [
        f"{_name(each)}: {each['exception_info'].get('exception_message') or each['exception_info']}"
        for each in results
        if each["exception_info"].get("raised_exception", True)
    ]
    if broken:
        raise SuiteBroken("\n".join(broken))


def _failed(suite: Suite, results: Sequence[Mapping[str, Any]]) -> dict[Severity, tuple[str, ...]]:
    names = sorted(_name(each) for each in results if not each["success"])
    return {
        severity: found
        for severity in SEVERITIES
        if (found := tuple(name for name in names if suite.severities[name] == severity))
    }


def _name(result: Mapping[str, Any]) -> str:
    name: str = result["expectation_config"]["meta"]["name"]
    return name


class _Sections(DefaultJinjaPageView):  # type: ignore[misc]
    """The page without navigation, which leads to pages that nobody keeps."""

    _template = "page_minimal.j2"
