"""getResolvedOptions of the shim gives what Glue's own gives."""

import pytest

from local.glue.awsglue_shim.awsglue.utils import GlueArgumentError, getResolvedOptions


def test_named_options_are_found_among_others() -> None:
    argv = ["script.py", "--JOB_NAME", "j", "--plan-file", "s3://b/p", "--JOB_RUN_ID", "jr_1", "--other", "x"]
    found = getResolvedOptions(argv, ["JOB_NAME", "plan-file"])
    assert found["JOB_NAME"] == "j"
    assert found["plan_file"] == "s3://b/p"
    assert found["JOB_RUN_ID"] == "jr_1"
    assert "other" not in found


def test_what_glue_adds_is_there_with_its_defaults() -> None:
    assert getResolvedOptions(["script.py"], []) == {
        "job_bookmark_option": "job-bookmark-disable",
        "job_bookmark_from": None,
        "job_bookmark_to": None,
        "JOB_ID": None,
        "JOB_RUN_ID": None,
        "SECURITY_CONFIGURATION": None,
        "encryption_type": None,
        "RedshiftTempDir": None,
        "TempDir": None,
    }


def test_temp_dir_may_be_asked_for_and_absent() -> None:
    assert getResolvedOptions(["script.py"], ["TempDir"])["TempDir"] is None
    found = getResolvedOptions(["script.py", "--TempDir", "s3://b/t"], ["TempDir"])
    assert found["TempDir"] == found["RedshiftTempDir"] == "s3://b/t"


def test_old_continuation_option_is_translated() -> None:
    found = getResolvedOptions(["script.py", "--continuation-option", "continuation-enabled"], [])
    assert found["job_bookmark_option"] == "job-bookmark-enable"
    assert "continuation_option" not in found


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["script.py"], "the following arguments are required: --plan"),
        (["script.py", "--plan"], "argument --plan: expected one argument"),
        (["script.py", "--plan", "--x", "1"], "argument --plan: expected one argument"),
    ],
)
def test_missing_argument(argv: list[str], message: str) -> None:
    with pytest.raises(GlueArgumentError, match=message):
        getResolvedOptions(argv, ["plan"])


@pytest.mark.parametrize("name", ["JOB_RUN_ID", "job-bookmark-option", "encryption-type"])
def test_reserved_name(name: str) -> None:
    with pytest.raises(RuntimeError, match=f"Using reserved arguments --{name}"):
        getResolvedOptions(["script.py", f"--{name}", "x"], [name])
