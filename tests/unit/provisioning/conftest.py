from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from clickstream.lake.names import Names
from clickstream.provisioning.resource import Cloud
from clickstream.sources.loader import load_sources
from clickstream.sources.model import Source
from tests.unit.provisioning.fakes import Stub

NAMES = Names("123456789012", "eu-west-1")


@pytest.fixture
def source() -> Source:
    sources, _ = load_sources()
    return sources["retail_web"]


@pytest.fixture
def cloud() -> Cloud:
    """An account that nothing may be asked of."""

    def refuse(service: str) -> Any:
        raise AssertionError(f"{service} was called")

    return Cloud(NAMES, refuse)


@pytest.fixture
def stub() -> Stub:
    """Makes an account in which one service answers what its stubber was told, in that order.

    The stubber checks each request against the service's own model.
    """

    def make(service: str) -> tuple[Cloud, Stubber]:
        session: Any = boto3.Session("test", "test", region_name=NAMES.region)
        client = session.client(service)
        stubber = Stubber(client)
        stubber.activate()
        return Cloud(NAMES, {service: client}.__getitem__), stubber

    return make
