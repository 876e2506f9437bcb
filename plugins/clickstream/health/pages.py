"""What people are told of a finding: what it means for the data, and the step that comes next."""

from __future__ import annotations

from collections.abc import Mapping

from clickstream.health.causes import Cause
from clickstream.health.check import Finding
from clickstream.lake.windows import hour_text
from clickstream.paging.page import Page
from clickstream.sources.model import Source

_IMPACT: Mapping[Cause, str] = {
    "path_missing": "what is sent now is refused, or is not delivered",
    "heartbeat_failed": "the path takes no records of ours, and may take none of others",
    "stream_throttled": "producers are refused; a record that they do not send again is lost",
    "delivery_throttled": "producers are refused; a record that they do not send again is lost",
    "traffic_low": "events stopped flowing before the path, or most of them did",
    "delivery_failing": "records wait in Firehose; after 24 hours it gives them up into the error prefix",
    "delivery_stalled": "records wait until the stream's retention, or Firehose's, ends; no hour is proven meanwhile",
    "metric_missing": "the path cannot be judged, and no watermark passes",
}

_NEXT_STEP: Mapping[Cause, str] = {
    "path_missing": "run {source}__provision in Airflow: it shows what is missing, and makes it again",
    "heartbeat_failed": "read the refusal in the evidence, then the runbook",
    "stream_throttled": "raise stream.shards in include/sources/{source}.yaml and run {source}__provision",
    "delivery_throttled": "raise the quota of Firehose, or slow the producers down: the runbook says where",
    "traffic_low": "ask the producers' owners; without traffic by design: health.traffic_hours of {source}",
    "delivery_failing": "aws logs tail /aws/firehose/{delivery} --since 1h",
    "delivery_stalled": "aws firehose describe-delivery-stream --delivery-stream-name {delivery}, then the runbook",
    "metric_missing": "look at the metric in CloudWatch, then the runbook",
}


def health_page(source: Source, finding: Finding, link: str) -> Page:
    """The page of a finding.

    Args:
        link: a page of Airflow on the run that found it.
    """
    return Page(
        source=source.name,
        cause=finding.cause,
        where=finding.where,
        impact=_IMPACT[finding.cause],
        since=hour_text(finding.since),
        evidence=finding.evidence,
        next_step=_NEXT_STEP[finding.cause].format(source=source.name, delivery=source.delivery.name),
        link=link,
    )
