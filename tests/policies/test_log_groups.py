"""Log groups: each with a key of the platform that CloudWatch Logs may use for it alone."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from tests.environments import blueprint_of
from tests.secrets.planned_account import document_of
from totara_infra.model.vocabulary import Environment

DOCUMENTED = ["kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*",
              "kms:ReEncrypt*"]  # fmt: skip
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html"""


@pytest.mark.parametrize("environment", [Environment.LOCAL, Environment.PROD])
def test_the_key_of_every_log_group_lets_cloudwatch_logs_use_it_for_that_group(environment):
    blueprint = blueprint_of(environment)
    scope = blueprint.scope
    groups = [r for r in blueprint.resources.values() if r.shape == "LogGroup"]
    assert len(groups) == 8
    for group in groups:
        key = blueprint.resources[group.properties["kms_key_id"].resource]
        statement = _of_logs(key)
        assert statement["Principal"]["Service"] == f"logs.{scope.settings.region}.amazonaws.com"
        assert statement["Action"] == DOCUMENTED
        patterns = statement["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
        arn = scope.arn("logs", f"log-group:{group.properties['name']}")
        assert any(fnmatchcase(arn, pattern) for pattern in patterns), arn


def test_no_key_serves_the_log_groups_of_others():
    blueprint = blueprint_of(Environment.PROD)
    keys = [r for r in blueprint.resources.values() if r.shape == "Key"]
    assert len(keys) > 2
    for key in keys:
        statement = _of_logs(key)
        region = key.properties.get("region", blueprint.scope.settings.region)
        assert statement["Principal"]["Service"] == f"logs.{region}.amazonaws.com"
        (operator,) = statement["Condition"].values()
        (patterns,) = operator.values()
        account = blueprint.scope.settings.account_id
        for name in ("/aws/bank-platform/dev", "/aws/lambda/bank-alarm-router-uat", "/aws/rds/x"):
            arn = f"arn:aws:logs:{region}:{account}:log-group:{name}"
            assert not any(fnmatchcase(arn, pattern) for pattern in patterns), arn


def _of_logs(key):
    """The one statement of a key's policy that is about CloudWatch Logs."""
    statements = document_of(key.properties["policy"])["Statement"]
    (found,) = (s for s in statements if "logs" in str(s["Principal"].get("Service")))
    return found
