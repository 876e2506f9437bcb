"""SNS that keeps what was published, and is down when asked to be."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import EndpointConnectionError


class MemorySns:
    """One topic."""

    def __init__(self) -> None:
        self.is_down = False
        self.published: list[dict[str, Any]] = []

    def publish(self, **request: Any) -> dict[str, str]:
        if self.is_down:
            raise EndpointConnectionError(endpoint_url="https://sns")
        self.published.append(request)
        return {"MessageId": str(len(self.published))}

    @property
    def headlines(self) -> list[str]:
        """The first line of each message."""
        return [request["Message"].splitlines()[0] for request in self.published]

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """Cause and kind of each message."""
        said = [request["MessageAttributes"] for request in self.published]
        return [(each["cause"]["StringValue"], each["kind"]["StringValue"]) for each in said]
