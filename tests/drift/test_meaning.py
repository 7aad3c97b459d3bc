"""Policies are compared by what they mean."""

from __future__ import annotations

import json

import pytest

from totara_infra.operations.drift.meaning import canonical, differences
from totara_infra.operations.drift.reading import TypeReader, snake, words

ONE = {
    "Version": "2012-10-17",
    "Statement": [
        {"Sid": "A", "Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": ["*"]},
        {"Sid": "B", "Effect": "Deny", "Principal": {"AWS": "123456789012"}, "Action": "s3:Put*"},
    ],
}
SAME = {
    "Statement": [
        {
            "Action": ["s3:Put*"],
            "Principal": {"AWS": ["arn:aws:iam::123456789012:root"]},
            "Effect": "Deny",
            "Sid": "B",
        },
        {"Action": ["s3:List*", "s3:Get*"], "Effect": "Allow", "Sid": "A", "Resource": "*"},
    ],
    "Version": "2012-10-17",
}
READER = TypeReader(
    "aws:x/y:Y",
    lambda _: (),
    words("policy names flag size rules"),
    documents=words("policy"),
    sets=words("names"),
    keyed={"rules": "id"},
    assumed={"size": 3},
)


def paths(expected, found) -> set[str]:
    return {d.path for d in differences(READER, expected, found)}


def test_spelling_is_no_difference() -> None:
    assert canonical(json.dumps(ONE)) == canonical(SAME)
    assert paths({"policy": json.dumps(ONE)}, {"policy": SAME}) == set()


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Deny"},
        {"Action": ["s3:Get*"]},
        {"Resource": "arn:aws:s3:::x"},
        {"Principal": "*"},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
    ],
)
def test_meaning_is(change) -> None:
    other = {**ONE, "Statement": [ONE["Statement"][0] | change, ONE["Statement"][1]]}
    found = list(differences(READER, {"policy": ONE}, {"policy": other}))
    assert [d.path for d in found] == ["policy.Statement"]
    assert [s["Sid"] for s in found[0].found] == ["A"]


def test_values() -> None:
    assert paths({"names": ["a", "b"]}, {"names": ["b", "a"]}) == set()
    assert paths({"names": ["a"]}, {"names": ["b", "a"]}) == {"names"}
    assert paths({"flag": True}, {"flag": 1}) == {"flag"}
    assert paths({"flag": False}, {}) == set()
    assert paths({}, {"size": 3}) == set()
    assert paths({}, {"size": 4}) == {"size"}
    rules = [{"id": "x", "days": 1}]
    assert paths({"rules": rules}, {"rules": [{"id": "x", "days": 2}]}) == {"rules.x.days"}
    assert paths({"rules": rules}, {"rules": [*rules, {"id": "y"}]}) == {"rules.y"}


def test_names_of_aws_in_the_blueprints_spelling() -> None:
    assert snake("KMSMasterKeyID") == "kms_master_key_id"
    assert snake("SSEAlgorithm") == "sse_algorithm"
    assert snake("MaxSessionDuration") == "max_session_duration"
