from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from clickstream.provisioning import waiting
from clickstream.provisioning.waiting import once_role_is_known, wait
from tests.unit.provisioning.fakes import Stub

FIREHOSE = (
    "InvalidArgumentException",
    "Firehose is unable to assume role arn:aws:iam::1:role/firehose. Please check the role provided.",
)
GLUE = (
    "InvalidInputException",
    "Service is unable to assume provided role. Please verify role's TrustPolicy",
)


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses, which take no time here."""
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    return pauses


class Service:
    """Refuses with the given errors, one a call, then answers."""

    def __init__(self, *errors: tuple[str, str]) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self, **request: Any) -> dict[str, Any]:
        self.calls += 1
        if self.errors:
            code, message = self.errors.pop(0)
            raise ClientError({"Error": {"Code": code, "Message": message}}, "Create")
        return request


@pytest.mark.parametrize("error", [FIREHOSE, GLUE])
def test_asks_again_until_the_role_is_known(error: tuple[str, str], slept: list[float]) -> None:
    service = Service(error, error, error)
    assert once_role_is_known(service, Name="x") == {"Name": "x"}
    assert service.calls == 4
    assert slept == [2, 2, 2]


@pytest.mark.parametrize(
    "error",
    [
        ("InvalidArgumentException", "BufferingHints is invalid"),
        ("ResourceInUseException", "Firehose clicks already exists"),
        ("AccessDeniedException", "User is not authorized to perform: iam:PassRole"),
    ],
)
def test_any_other_error_is_raised_at_once(error: tuple[str, str], slept: list[float]) -> None:
    service = Service(error)
    with pytest.raises(ClientError, match=error[0]):
        once_role_is_known(service)
    assert (service.calls, slept) == (1, [])


def test_gives_up_with_the_services_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "ROLE_IS_KNOWN_WITHIN", 0)
    with pytest.raises(ClientError, match="unable to assume role"):
        once_role_is_known(Service(FIREHOSE, FIREHOSE))


STREAM = ("kinesis", "StreamSettled", "StreamName")
DELIVERY = ("firehose", "DeliverySettled", "DeliveryStreamName")


def _described(service: str, status: str) -> tuple[str, dict[str, Any]]:
    if service == "kinesis":
        summary = {
            "StreamName": "x",
            "StreamARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/x",
            "StreamStatus": status,
            "RetentionPeriodHours": 24,
            "StreamCreationTimestamp": 0,
            "EnhancedMonitoring": [],
            "OpenShardCount": 1,
        }
        return "describe_stream_summary", {"StreamDescriptionSummary": summary}
    description = {
        "DeliveryStreamName": "x",
        "DeliveryStreamARN": "arn:aws:firehose:eu-west-1:123456789012:deliverystream/x",
        "DeliveryStreamStatus": status,
        "DeliveryStreamType": "KinesisStreamAsSource",
        "VersionId": "1",
        "Destinations": [],
        "HasMoreDestinations": False,
    }
    return "describe_delivery_stream", {"DeliveryStreamDescription": description}


@pytest.mark.parametrize(
    ("waited", "statuses"),
    [
        (STREAM, ["ACTIVE"]),
        (STREAM, ["CREATING", "CREATING", "ACTIVE"]),
        (STREAM, ["UPDATING", "ACTIVE"]),
        (STREAM, ["DELETING", "gone"]),
        (STREAM, ["gone"]),
        (DELIVERY, ["ACTIVE"]),
        (DELIVERY, ["CREATING", "ACTIVE"]),
        (DELIVERY, ["DELETING", "gone"]),
        (DELIVERY, ["gone"]),
    ],
)
def test_waits_through_every_passing_state(
    waited: tuple[str, str, str], statuses: list[str], stub: Stub, slept: list[float]
) -> None:
    service, waiter, key = waited
    cloud, stubber = stub(service)
    for status in statuses:
        operation, answer = _described(service, status)
        if status == "gone":
            stubber.add_client_error(operation, "ResourceNotFoundException")
        else:
            stubber.add_response(operation, answer)
    wait(cloud.client(service), waiter, **{key: "x"})
    stubber.assert_no_pending_responses()
    assert len(slept) == len(statuses) - 1


@pytest.mark.parametrize("status", ["CREATING_FAILED", "DELETING_FAILED"])
def test_a_state_that_never_passes_is_an_error(status: str, stub: Stub) -> None:
    cloud, stubber = stub("firehose")
    stubber.add_response(*_described("firehose", status))
    with pytest.raises(WaiterError, match=status):
        wait(cloud.client("firehose"), "DeliverySettled", DeliveryStreamName="x")
