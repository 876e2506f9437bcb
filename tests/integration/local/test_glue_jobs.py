"""Glue job definitions keep what ministack would lose, and are completed as Glue completes them."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.local.glue_runs import ROLE, shared_cloud
from tests.integration.local.roles import make_role

COMMAND = {"Name": "glueetl", "ScriptLocation": "s3://code/job.py", "PythonVersion": "3"}


@pytest.fixture(scope="module")
def glue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with shared_cloud(tmp_path_factory.mktemp("state")) as cloud:
        make_role(cloud, "glue", "glue.amazonaws.com")
        yield cloud.client("glue")


def test_definition_is_kept_whole(glue: Any) -> None:
    said = {
        "Role": ROLE,
        "Command": COMMAND,
        "Description": "Bronze to Silver",
        "ExecutionProperty": {"MaxConcurrentRuns": 3},
        "DefaultArguments": {"--datalake-formats": "iceberg"},
        "GlueVersion": "5.1",
        "WorkerType": "G.2X",
        "NumberOfWorkers": 5,
        "Timeout": 20,
        "MaxRetries": 0,
    }
    glue.create_job(Name="whole", Tags={"source": "retail_web"}, **said)
    job = glue.get_job(JobName="whole")["Job"]
    assert said.items() <= job.items()
    assert job["MaxCapacity"] == 10.0
    assert "Tags" not in job
    arn = "arn:aws:glue:us-east-1:000000000000:job/whole"
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"source": "retail_web"}


def test_defaults(glue: Any) -> None:
    glue.create_job(Name="plain", Role=ROLE, Command=COMMAND)
    glue.create_job(Name="old", Role=ROLE, Command=COMMAND, GlueVersion="4.0")
    job = glue.get_job(JobName="plain")["Job"]
    assert job["ExecutionProperty"] == {"MaxConcurrentRuns": 1}
    assert (job["GlueVersion"], job["Timeout"], job["MaxRetries"], job["MaxCapacity"]) == ("5.1", 480, 0, 10.0)
    assert glue.get_job(JobName="old")["Job"]["Timeout"] == 2880


def test_update_replaces_the_whole_definition(glue: Any) -> None:
    glue.create_job(Name="replaced", Role=ROLE, Command=COMMAND, Timeout=20, Description="first")
    created = glue.get_job(JobName="replaced")["Job"]["CreatedOn"]
    update = {"Role": ROLE, "Command": COMMAND, "ExecutionProperty": {"MaxConcurrentRuns": 2}}
    glue.update_job(JobName="replaced", JobUpdate=update)
    job = glue.get_job(JobName="replaced")["Job"]
    assert job["ExecutionProperty"] == {"MaxConcurrentRuns": 2}
    assert job["Timeout"] == 480
    assert "Description" not in job
    assert job["CreatedOn"] == created


def test_delete_and_list_by_pages(glue: Any) -> None:
    names = [f"page-{number}" for number in range(5)]
    for name in names:
        glue.create_job(Name=name, Role=ROLE, Command=COMMAND)
    pages = glue.get_paginator("get_jobs").paginate(PaginationConfig={"PageSize": 2})
    found = [[job["Name"] for job in page["Jobs"]] for page in pages]
    assert all(len(page) <= 2 for page in found)
    assert [name for page in found for name in page if name.startswith("page-")] == names
    glue.delete_job(JobName="page-0")
    glue.delete_job(JobName="page-0")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_job(JobName="page-0")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"MaxCapacity": 2.0, "WorkerType": "G.1X", "NumberOfWorkers": 2}, "InvalidInputException"),
        ({"WorkerType": "G.1X"}, "InvalidInputException"),
        ({"Timeout": 20_000}, "InvalidInputException"),
        ({"Command": {"Name": "glueetl"}}, "InvalidInputException"),
    ],
)
def test_refused_definition(glue: Any, said: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as caught:
        glue.create_job(**{"Name": "refused", "Role": ROLE, "Command": COMMAND, **said})
    assert caught.value.response["Error"]["Code"] == code


def test_name_is_taken(glue: Any) -> None:
    glue.create_job(Name="taken", Role=ROLE, Command=COMMAND)
    with pytest.raises(glue.exceptions.AlreadyExistsException):
        glue.create_job(Name="taken", Role=ROLE, Command=COMMAND)
