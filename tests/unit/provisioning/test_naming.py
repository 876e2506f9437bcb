from clickstream.provisioning.resource import Cloud
from tests.unit.provisioning.fakes import Stub


def test_names_follow_from_the_account_and_the_region(cloud: Cloud) -> None:
    names = cloud.names
    assert names.lake == "clickstream-123456789012-lake"
    assert names.evidence == "clickstream-123456789012-evidence"
    assert names.bucket_arn(names.lake) == "arn:aws:s3:::clickstream-123456789012-lake"
    assert names.role_arn("clickstream-glue") == "arn:aws:iam::123456789012:role/clickstream-glue"
    assert names.stream_arn("clicks") == "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks"


def test_the_account_is_asked_of_sts_and_the_region_is_that_of_its_client(stub: Stub) -> None:
    cloud, sts = stub("sts")
    sts.add_response("get_caller_identity", {"Account": "123456789012"})
    assert type(cloud.names).of(cloud.client("sts")) == cloud.names
