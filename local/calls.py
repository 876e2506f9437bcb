"""How many calls each service has had since the process started: what a way of doing something costs.

Calls of the local cloud's own services count too, as theirs on AWS would be made for the caller: what Athena lists
in S3, say.
"""

import re
from collections import Counter

_SERVICE = re.compile(rb"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")

_calls: Counter[str] = Counter()


def count(authorization: bytes) -> None:
    """Count a request by the service that its signature names."""
    if found := _SERVICE.search(authorization):
        _calls[found[1].decode()] += 1


def counted() -> dict[str, int]:
    """Calls by the name in the signature: ``s3``, ``glue``, ``monitoring`` (CloudWatch), …"""
    return dict(_calls)
