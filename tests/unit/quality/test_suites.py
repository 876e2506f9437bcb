"""Suites are read whole or refused, with the file and every fault; what is shipped is sound and says why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clickstream.quality.suites import FOLDER, TIERS, InvalidSuite, load_suites
from clickstream.sources.loader import load_sources
from clickstream.sources.model import Source

SOURCES = load_sources()[0]
Document = dict[str, Any]


@pytest.mark.parametrize("folder", sorted(FOLDER.iterdir()), ids=lambda folder: folder.name)
def test_each_shipped_folder_belongs_to_a_source_and_its_suites_are_sound(folder: Path) -> None:
    suites = load_suites(SOURCES[folder.name])
    assert {path.stem for path in folder.iterdir()} == set(TIERS) == set(suites)
    for suite in suites.values():
        assert "critical" in suite.severities.values()
        for expectation in suite.document["expectations"]:
            assert len(expectation["notes"]) > 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The suites of a further source: a folder and nothing else."""
    for tier in TIERS:
        document = json.loads((FOLDER / "retail_web" / f"{tier}.json").read_text())
        (tmp_path / "market").mkdir(exist_ok=True)
        (tmp_path / "market" / f"{tier}.json").write_text(json.dumps(document | {"name": f"market.{tier}"}))
    return tmp_path


@pytest.fixture
def market() -> Source:
    return SOURCES["retail_web"].model_copy(update={"name": "market"})


def change(folder: Path, tier: str, by: Callable[[Document], None]) -> None:
    path = folder / "market" / f"{tier}.json"
    document = json.loads(path.read_text())
    by(document)
    path.write_text(json.dumps(document))


def test_a_further_source_is_a_further_folder(folder: Path, market: Source) -> None:
    suites = load_suites(market, folder)
    assert suites["silver"].measures.kind == "event_type"
    assert suites["bronze"].severities["most_records_are_good"] == "critical"


def test_another_threshold_is_another_digest(folder: Path, market: Source) -> None:
    before = load_suites(market, folder)
    change(folder, "silver", lambda document: document["expectations"][1]["kwargs"].update(min_value=0.5))
    after = load_suites(market, folder)
    assert before["silver"].digest != after["silver"].digest
    assert before["bronze"].digest == after["bronze"].digest


def _twice(document: Document) -> None:
    document["expectations"][1]["meta"]["name"] = document["expectations"][2]["meta"]["name"]


@pytest.mark.parametrize(
    ("by", "told"),
    [
        (lambda d: d.update(name="retail_web.silver"), "must be market.silver"),
        (lambda d: d["meta"]["columns"].append("colour"), "meta.columns: 'colour' is no column of Silver"),
        (lambda d: d["meta"]["values_of"].append("city"), "meta.columns: 'city' is named elsewhere in meta"),
        (lambda d: d["meta"].update(kind="city"), "meta.columns: 'city' is named elsewhere in meta"),
        (lambda d: d["meta"].update(values_of=[]), "must name a column"),
        (_twice, "stands twice"),
        (lambda d: d["expectations"][0].pop("notes"), "expectations.0.notes: Field required"),
        (lambda d: d["expectations"][0].pop("severity"), "expectations.0.severity: Field required"),
        (lambda d: d["expectations"][0].update(severity="fatal"), "expectations.0.severity: Input should be"),
        (lambda d: d["expectations"][0].update(meta={}), "expectations.0.meta.name: Field required"),
        (lambda d: d["meta"].update(surprise=1), "meta.surprise: Extra inputs"),
    ],
)
def test_a_fault_names_file_field_and_what_is_wrong(
    folder: Path, market: Source, by: Callable[[Document], None], told: str
) -> None:
    change(folder, "silver", by)
    with pytest.raises(InvalidSuite, match=r"^market/silver\.json: ") as refused:
        load_suites(market, folder)
    assert told in str(refused.value)


def test_what_is_no_json_is_refused_with_its_place(folder: Path, market: Source) -> None:
    (folder / "market" / "bronze.json").write_text('{"name": ')
    with pytest.raises(InvalidSuite, match=r"market/bronze\.json: .*line 1"):
        load_suites(market, folder)
