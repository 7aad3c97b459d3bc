"""The restore drill: fill an environment, back it up, lose all of it, bring it up, restore."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.backup.watching_proxy import WatchingProxy
from tests.engine.checkout import Checkout
from tests.identity.signing_in import Bank, User
from totara_infra.local.project import STATE_DIRECTORY_VARIABLE

pytestmark = pytest.mark.engine

OWN = "/bank/local/payments-routing/endpoint"
STALE = "/bank/local/payments-routing/key"
"""Holds the ARN of a key that an update makes anew."""
FORMER = "/bank/local/service-001/window"
"""Is written by the program when the backup is taken, and no longer when it is restored."""
ENCRYPTED = "/bank/local/payments-routing/encrypted"


class SmallBank(Bank):
    """The small catalogue publishes no parameter with the pools' ids."""

    def pool(self, pool: str) -> str:
        pools = self.aws("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]
        return next(p["Id"] for p in pools if p["Name"] == f"bank-{pool}-local")


def bank_of(checkout: Checkout) -> Bank:
    return SmallBank(str(checkout.settings().endpoint), checkout.environment)


def totara(checkout: Checkout, *words: str, code: int = 0) -> Any:
    outcome = checkout.totara("backup", *words, "--format", "json", code=code)
    return json.loads(outcome.out)


def put_secret(checkout: Checkout, path: str, value: str) -> None:
    done = subprocess.run(
        checkout.command("totara", "secrets", "put", "local", path),
        cwd=checkout.root,
        env=checkout.environment,
        input=value,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def fill(checkout: Checkout, bank: Bank, value: str) -> dict[str, User]:
    ssm = bank.aws("ssm")
    tags = [{"Key": "module_id", "Value": "MOD-020"}]
    ssm.put_parameter(Name=OWN, Value="https://routing.example.test", Type="String", Tags=tags)
    key = ssm.get_parameter(Name="/bank/local/kms/pii/arn")["Parameter"]["Value"]
    ssm.put_parameter(Name=STALE, Value=f"{key}, for what is sent", Type="String")
    ssm.put_parameter(Name=ENCRYPTED, Value=f"{value}-parameter", Type="SecureString")
    put_secret(checkout, "core/neon-db-url", f"postgresql://app_user:{value}@db.example.test/bank")
    before = bank.deploy_licence("acorn", jurisdiction="NZ+AU")
    assert json.loads(before)["tenants"]["acorn"]["deployment.jurisdiction"] == "NZ"
    people = {
        "abroad": bank.customer("acorn", "AU"),
        "at home": bank.customer("totara-bank", "NZ"),
        "staff": bank.staff("acorn", "NZ"),
        "disabled": bank.customer("acorn", "NZ"),
    }
    bank.aws("cognito-idp").admin_disable_user(
        UserPoolId=bank.pool("customers"), Username=people["disabled"].name
    )
    return people


def facts(bank: Bank) -> dict[str, Any]:
    """What must be the same again, asked of each service without the code under test."""
    cognito, config = bank.aws("cognito-idp"), bank.aws("appconfig")
    users = []
    for pool in ("customers", "staff"):
        for user in cognito.list_users(UserPoolId=bank.pool(pool))["Users"]:
            groups = cognito.admin_list_groups_for_user(
                UserPoolId=bank.pool(pool), Username=user["Username"]
            )["Groups"]
            own = {a["Name"]: a["Value"] for a in user["Attributes"] if a["Name"] != "sub"}
            names = sorted(g["GroupName"] for g in groups)
            users.append((pool, sorted(own.items()), names, user["Enabled"]))
    contents = {}
    for application in config.list_applications()["Items"]:
        for profile in config.list_configuration_profiles(ApplicationId=application["Id"])["Items"]:
            where = {"ApplicationId": application["Id"], "ConfigurationProfileId": profile["Id"]}
            contents[application["Name"], profile["Name"]] = {
                config.get_hosted_configuration_version(
                    **where, VersionNumber=version["VersionNumber"]
                )["Content"].read()
                for version in config.list_hosted_configuration_versions(**where)["Items"]
            }
    data = bank.aws("appconfigdata")
    token = data.start_configuration_session(
        ApplicationIdentifier="bank-platform",
        EnvironmentIdentifier="local",
        ConfigurationProfileIdentifier="deployment",
    )["InitialConfigurationToken"]
    parameter = bank.aws("ssm").get_parameter(Name=OWN)["Parameter"]
    return {
        "users": sorted(users),
        "versions": contents,
        "live": data.get_latest_configuration(ConfigurationToken=token)["Configuration"].read(),
        "parameter": (parameter["Value"], parameter["Type"]),
    }


def enrol(bank: Bank, user: User) -> User:
    """A new password, as the person gets one on enrolling again."""
    password = f"Aa1!{secrets.token_urlsafe(24)}"
    bank.aws("cognito-idp").admin_set_user_password(
        UserPoolId=bank.pool(user.pool), Username=user.name, Password=password, Permanent=True
    )
    return replace(user, bank=bank, password=password)


def lasting(claims: dict[str, Any]) -> dict[str, Any]:
    """Claims without what is of one sign-in, one pool or one `sub`."""
    of_the_moment = {"sub", "iss", "aud", "client_id", "auth_time", "iat", "exp", "jti"}
    changing = of_the_moment | {"origin_jti", "event_id", "username", "cognito:username"}
    return {k: v for k, v in claims.items() if k not in changing}


def failures(checkout: Checkout, code: int) -> set[tuple[str, str]]:
    """What the checklist has to complain about."""
    record = checkout.totara("verify", "local", "--format", "json", code=code).data
    return {
        (result["check"], result["subject"])
        for check in record["checks"]
        for result in check["results"]
        if result["outcome"] == "failed"
    }


class Restore:
    """Runs of the restore through a proxy, and somebody else's roll-out that is in its way."""

    def __init__(self, checkout: Checkout, bank: Bank, proxy: WatchingProxy, state: Path) -> None:
        self._checkout, self._proxy = checkout, proxy
        record = json.loads(checkout.emulator_record().read_text())
        port = proxy.server_address[1]
        (state / "emulators").mkdir(parents=True)
        (state / "emulator").symlink_to((checkout.state / "emulator").resolve())
        through = {**record, "port": port, "endpoint": f"http://127.0.0.1:{port}"}
        (state / "emulators" / "local.json").write_text(json.dumps(through))
        self._variables = {**checkout.environment, STATE_DIRECTORY_VARIABLE: str(state)}
        self._config = bank.aws("appconfig")

    def killed_at(self, words: Sequence[str], call: str, first: Callable[[str], None]) -> None:
        """Run it and kill it once AWS has done a call of that name, before it hears of it."""
        process = subprocess.Popen(
            self._checkout.command("totara", "backup", *words),
            cwd=self._checkout.root,
            env=self._variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

        def done(name: str) -> None:
            first(name)
            if name == call:
                process.send_signal(signal.SIGKILL)
                process.wait()

        self._proxy.done = done
        try:
            out, err = process.communicate(timeout=90)
        finally:
            self._proxy.done = lambda name: None
        assert process.returncode == -signal.SIGKILL, out + err

    def begin_roll_out(self) -> Callable[[], None]:
        """Somebody rolls out for a minute, which stops every other one; what ends it early."""
        items = self._config.list_applications()["Items"]
        application = next(a["Id"] for a in items if a["Name"] == "bank-platform")
        place = {"ApplicationId": application}
        (environment,) = self._config.list_environments(**place)["Items"]
        profiles = self._config.list_configuration_profiles(**place)["Items"]
        strategy = self._config.create_deployment_strategy(
            Name="slow", DeploymentDurationInMinutes=1, GrowthFactor=50, ReplicateTo="NONE"
        )["Id"]
        place["EnvironmentId"] = environment["Id"]
        begun = self._config.start_deployment(
            **place,
            DeploymentStrategyId=strategy,
            ConfigurationProfileId=next(p["Id"] for p in profiles if p["Name"] == "runtime"),
            ConfigurationVersion="1",
        )
        assert begun["State"] == "DEPLOYING"

        def end() -> None:
            number = begun["DeploymentNumber"]
            self._config.stop_deployment(**place, DeploymentNumber=number)
            self._config.delete_deployment_strategy(DeploymentStrategyId=strategy)

        return end


def test_all_is_lost_and_comes_back(new_small_checkout, tmp_path) -> None:
    checkout: Checkout = new_small_checkout()
    checkout.totara("up", "local")
    bank = bank_of(checkout)
    value = f"planted{uuid.uuid4().hex}"
    people = fill(checkout, bank, value)
    before = facts(bank)
    bank.restart_trigger("customers")
    claims = bank.verified("customers", people["abroad"].sign_in()["IdToken"])
    key, place, users = tmp_path / "key", tmp_path / "backups", tmp_path / "users.json"
    checkout.totara("backup", "new-key", str(key))
    where = ("--at", str(place), "--key-file", str(key))
    manifest = totara(checkout, "run", "local", *where)
    assert totara(checkout, "verify", "local", *where) == manifest

    checkout.totara("down", "local")
    core = "totara_infra/catalogue/domains/sd01.yaml"
    checkout.edit(core, FORMER.replace("/local/", "/{env}/"), "/bank/{env}/service-001/period")
    checkout.totara("up", "local")
    bank = bank_of(checkout)
    assert not bank.aws("cognito-idp").list_users(UserPoolId=bank.pool("customers"))["Users"]

    restore = ("restore", "local", *where, "--users", str(users))
    dry = totara(checkout, *restore, "--dry-run")
    with pytest.raises(ClientError, match="ParameterNotFound"):
        bank.aws("ssm").get_parameter(Name=OWN)
    assert not users.exists()
    ways = {a["subject"]: a["way"] for a in dry["actions"]}
    assert {s for s, way in ways.items() if way == "by hand"} == {
        ENCRYPTED, STALE, "/bank/local/core/neon-db-url",
    }  # fmt: skip
    assert ways[FORMER] == "keep"
    assert "/bank/local/kms/pii/arn" in next(
        a["what"] for a in dry["actions"] if a["subject"] == STALE
    )

    with WatchingProxy.before(json.loads(checkout.emulator_record().read_text())["port"]) as proxy:
        runs = Restore(checkout, bank, proxy, tmp_path / "state")
        end = runs.begin_roll_out()
        runs.killed_at(restore, "PutParameter", lambda call: None)
        waiting = threading.Event()

        def look(call: str) -> None:
            # It has seen that something is rolled out, and looks again and again.
            if "/deployments/" in call and not waiting.is_set():
                waiting.set()
                threading.Timer(1.5, end).start()

        runs.killed_at(restore, "AdminCreateUser", look)
        assert waiting.is_set()
    assert 1 <= len(facts(bank)["users"]) <= len(people)
    done = totara(checkout, *restore)
    assert {a["store"] for a in done["actions"] if a["way"] == "restore"} == {"cognito"}
    assert {a["outcome"] for a in done["actions"]} == {"done", "left"}
    assert facts(bank) == before
    for gone in (STALE, FORMER):
        with pytest.raises(ClientError, match="ParameterNotFound"):
            bank.aws("ssm").get_parameter(Name=gone)
    # Of what was rolled out by hand the catalogue knows nothing yet.
    assert {s for _, s in failures(checkout, code=1)} == {"bank-platform/deployment"}
    # Once it is declared, the catalogue and what is live are one again.
    checkout.edit("stacks/acorn.yaml", "jurisdictions: [NZ]", "jurisdictions: [NZ, AU]")
    checkout.totara("up", "local")
    assert failures(checkout, code=0) == set()

    told = checkout.totara("backup", *restore).out
    assert "3 by hand, 2 keep" in told or "2 keep, 3 by hand" in told
    assert "bank-platform/deployment live version" in told
    assert "must enrol again" in told
    assert value not in told
    entries = {u["user_id"]: u for u in json.loads(users.read_text())["users"]}
    assert len(json.loads(users.read_text())["users"]) == len(people)
    bank.restart_trigger("customers")
    user = enrol(bank, people["abroad"])
    anew = bank.verified("customers", user.sign_in()["IdToken"])
    assert lasting(anew) == lasting(claims)
    entry = entries[claims["custom:user_id"]]
    assert (entry["old_sub"], entry["new_sub"]) == (claims["sub"], anew["sub"])
    assert claims["sub"] != anew["sub"]
    disabled = enrol(bank, people["disabled"])
    with pytest.raises(ClientError, match="disabled"):
        disabled.sign_in()
