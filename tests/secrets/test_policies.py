"""The policy evaluator: cases of AWS's documentation, and IAM's simulation as second opinion."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from totara_infra.operations.secrets.policies import Principal, Verdict, decide

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/BankCoreRole"
SECRET = f"arn:aws:secretsmanager:ap-southeast-2:{ACCOUNT}:secret:/bank/local/core/key-AbCdEf"
READ = "secretsmanager:GetSecretValue"
YES, NO, MAYBE = Verdict(True, True), Verdict(False, False), Verdict(True, False)


def statement(effect="Allow", action=READ, resource="*", **rest):
    return {"Effect": effect, "Action": action, "Resource": resource, **rest}


def document(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def verdict(identity, resource_policy=None, boundary=None, tags=None):
    principal = Principal(ROLE, ACCOUNT, (document(*identity),), boundary, tags or {})
    return decide(principal, READ, SECRET, resource_policy)


ALLOW = statement()
OWN = statement(
    resource="arn:aws:secretsmanager:*:*:secret:/bank/local/${aws:PrincipalTag/domain}/*"
)


WITHOUT_SECOND_FACTOR = {"Bool": {"aws:MultiFactorAuthPresent": "false"}}
OPTIONAL = {"StringEqualsIfExists": {"aws:PrincipalTag/a": "b"}}


def only(*arns):
    condition = {"ArnNotLike": {"aws:PrincipalArn": list(arns)}}
    return document(statement("Deny", Principal="*", Condition=condition))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (verdict([]), NO),
        (verdict([ALLOW]), YES),
        (verdict([ALLOW, statement("Deny")]), NO),
        (verdict([statement(action="secretsmanager:Get*")]), YES),
        (verdict([statement(action="SECRETSMANAGER:getsecretvalue")]), YES),
        (verdict([statement(resource=SECRET.lower())]), NO),
        (verdict([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]), YES),
        (verdict([{"Effect": "Allow", "Action": "*", "NotResource": SECRET}]), NO),
        (verdict([OWN], tags={"domain": "core"}), YES),
        (verdict([OWN], tags={"domain": "kyc"}), NO),
        (verdict([OWN]), NO),
        (verdict([OWN], tags={"domain": "*"}), NO),
        (verdict([ALLOW], only(ROLE)), YES),
        (verdict([ALLOW], only(ROLE + "2")), NO),
        (verdict([], document(statement(Principal={"AWS": ROLE}))), YES),
        (verdict([], document(statement(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))), NO),
        (verdict([ALLOW], document(statement("Deny", Principal={"AWS": ACCOUNT}))), NO),
        (verdict([ALLOW], boundary=document(statement(action="s3:*"))), NO),
        (verdict([ALLOW], boundary=document(ALLOW)), YES),
        (verdict([statement(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})]), MAYBE),
        (
            verdict([ALLOW, statement("Deny", Condition=WITHOUT_SECOND_FACTOR)]),
            MAYBE,
        ),
        (verdict([statement(Condition={"StringEquals": {"aws:PrincipalTag/a": "b"}})]), NO),
        (verdict([statement(Condition={"StringNotEquals": {"aws:PrincipalTag/a": "b"}})]), YES),
        (verdict([statement(Condition=OPTIONAL)]), YES),
        (verdict([statement(Condition={"Null": {"aws:PrincipalTag/a": "true"}})]), YES),
    ],
)
def test_what_the_documentation_says(given, expected):
    assert given == expected


patterns = st.sampled_from(
    ["*", READ, "secretsmanager:*", "secretsmanager:Get?ecretValue", "s3:*", "secretsmanager:get*"]
)
resources = st.sampled_from([SECRET, "*", SECRET[:-6] + "??????", SECRET[:-6] + "*", SECRET + "x"])
root = f"arn:aws:iam::{ACCOUNT}:root"
conditions = st.dictionaries(
    st.sampled_from(["ArnLike", "ArnNotLike", "StringEquals", "StringNotEquals", "StringLike"]),
    st.fixed_dictionaries({"aws:PrincipalArn": st.sampled_from([root, ROLE, "arn:aws:iam::*"])}),
    max_size=2,
)
statements = st.builds(
    lambda effect, action, resource, condition, negated: {
        "Effect": effect,
        **({"NotAction": action} if negated else {"Action": action}),
        "Resource": resource,
        **({"Condition": condition} if condition else {}),
    },
    st.sampled_from(["Allow", "Allow", "Deny"]),
    patterns,
    resources,
    conditions,
    st.booleans(),
)


def test_the_simulation_of_the_endpoint_agrees(place):
    """It stands for the account's root there, which is what the conditions then see."""
    client = place.live.client("iam")

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(statements, min_size=1, max_size=4))
    def agree(chosen):
        text = json.dumps(document(*chosen))
        answer = client.simulate_custom_policy(
            PolicyInputList=[text], ActionNames=[READ], ResourceArns=[SECRET]
        )
        theirs = answer["EvaluationResults"][0]["EvalDecision"] == "allowed"
        ours = decide(Principal(root, ACCOUNT, (document(*chosen),)), READ, SECRET)
        assert ours == Verdict(theirs, theirs), text

    agree()
