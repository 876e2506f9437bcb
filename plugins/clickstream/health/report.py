"""From a judgement to the incidents of the source."""

from __future__ import annotations

from datetime import datetime

from clickstream.health.check import Judgement
from clickstream.health.pages import health_page
from clickstream.paging.incidents import Incidents
from clickstream.paging.message import Kind
from clickstream.paging.page import Page
from clickstream.sources.model import Source

PATH = "health"
TRAFFIC = "health of traffic"
"""Checks of their own: out of its hours traffic is not judged, and the path is."""


def report(incidents: Incidents, source: Source, judgement: Judgement, link: str, now: datetime) -> dict[str, Kind]:
    """Report what a round found; only what could be judged is resolved.

    Args:
        link: a page of Airflow on the run that found it.
        now: time of the report.

    Returns:
        Of each incident that people were told of, the kind of page.
    """
    pages: dict[str, Page] = {finding.cause: health_page(source, finding, link) for finding in judgement.findings}
    traffic = {cause: page for cause, page in pages.items() if cause == "traffic_low"}
    path = {cause: page for cause, page in pages.items() if cause not in traffic}
    told = incidents.report(PATH, path, now, whole=judgement.judges_path).told
    told_of_traffic = incidents.report(TRAFFIC, traffic, now, whole=judgement.judges_traffic).told
    return {**told, **told_of_traffic}
