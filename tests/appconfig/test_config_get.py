"""`totara config get`: what is live, beside what the files say."""

from __future__ import annotations

import json

import pytest

from tests.appconfig.conftest import Copy

pytestmark = pytest.mark.engine
PROFILES = "payments.openbanking.profiles"


def test_a_tenants_value_and_the_default(up: Copy) -> None:
    found = up.config(PROFILES, "--tenant", "acorn")
    assert found["live"] == {
        "value": ["nz_payments_nz"],
        "from": "AppConfig bank-payments/runtime, tenants.acorn",
    }
    assert found["catalogue"] == {
        "value": ["nz_payments_nz"],
        "from": "`overrides` in stacks/acorn.yaml",
    }
    assert found["differs"] is False
    found = up.config(PROFILES, "--tenant", "totara-bank")
    assert found["live"]["value"] == found["catalogue"]["value"] == ["nz_payments_nz", "au_cdr"]
    assert found["live"]["from"].endswith("defaults")
    assert "totara_infra/catalogue/domains/sd04.yaml:" in found["catalogue"]["from"]


def test_a_switch_of_a_module_says_whose_activation_it_is(up: Copy) -> None:
    found = up.config("MOD-118.enabled", "--tenant", "acorn")
    assert found["live"]["value"] is True
    assert found["catalogue"]["from"] == "activation of MOD-118 for acorn: active"
    assert up.config("MOD-118.enabled")["live"]["value"] is False


def test_parameters_by_path_and_by_template(up: Copy) -> None:
    path = "/bank/local/tenant-acorn/institution-type"
    for key, *arguments in (
        (path,),
        ("/bank/{env}/tenant-{client_id}/institution-type", "--tenant", "acorn"),
    ):
        found = up.config(key, *arguments)
        assert found["key"] == path
        assert found["live"] == {"value": "mutual", "from": f"parameter {path}"}
        assert found["catalogue"]["from"] == "`institution_type` in stacks/acorn.yaml"
    code, output = up.run("config", "get", "local", "/bank/{env}/tenant-{client_id}/jurisdiction")
    assert code == 2 and "--tenant" in output


def test_what_the_files_can_not_know_is_not_compared(up: Copy) -> None:
    found = up.config("/bank/local/deployment/appconfig-bank-app-runtime")
    assert found["live"]["value"] and found["catalogue"]["value"] is None
    assert found["differs"] is None


def test_a_value_changed_by_hand_differs(up: Copy) -> None:
    ssm, path = up.client("ssm"), "/bank/local/tenant-acorn/jurisdiction"
    ssm.put_parameter(Name=path, Value="AU", Overwrite=True)
    try:
        code, output = up.run("config", "get", "local", path)
        assert code == 1
        assert "AU" in output and "NZ" in output and "They differ" in output
        ssm.delete_parameter(Name=path)
        found = up.config(path)
        assert found["live"]["value"] is None and found["differs"] is True
    finally:
        ssm.put_parameter(Name=path, Value="NZ", Type="String", Overwrite=True)


def test_a_change_of_a_file_differs_until_it_is_up(up: Copy) -> None:
    up.edit("stacks/acorn.yaml", overrides={"payments.hold.delay-window": 36})
    found = up.config("payments.hold.delay-window", "--tenant", "acorn")
    assert (found["live"]["value"], found["catalogue"]["value"]) == (24, 36)
    assert found["differs"] is True


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("payments.hold.delay-windo", "payments.hold.delay-window"),
        ("/bank/local/tenant/institution-typ", "/bank/local/tenant/institution-type"),
        ("MOD-117.enabled", "MOD-118.enabled"),
    ],
)
def test_unknown_keys_name_the_nearest(up: Copy, key: str, near: str) -> None:
    code, output = up.run("config", "get", "local", key)
    assert code == 2
    assert f"Nothing declares `{key}`" in output and near in output


def test_an_unknown_tenant(up: Copy) -> None:
    code, output = up.run("config", "get", "local", PROFILES, "--tenant", "nobody")
    assert code == 2 and "acorn" in output


def test_a_secret_is_never_read(up: Copy) -> None:
    client = up.client("secretsmanager")
    path = client.list_secrets()["SecretList"][0]["Name"]
    client.put_secret_value(SecretId=path, SecretString="not-for-any-screen")
    for key in (path, path.replace("/local/", "/{env}/")):
        code, output = up.run("config", "get", "local", key)
        assert code == 2
        assert "is a secret" in output and "not-for-any-screen" not in output


def test_an_environment_that_does_not_run(project_copy: Copy) -> None:
    code, output = project_copy.run("config", "get", "local", PROFILES)
    assert code == 2 and "make up" in output


def test_table_form(up: Copy) -> None:
    code, output = up.run("config", "get", "local", PROFILES, "--tenant", "acorn")
    assert code == 0
    assert f"{PROFILES} of acorn in local" in output
    assert json.dumps(["nz_payments_nz"]) in output and "They are the same." in output
