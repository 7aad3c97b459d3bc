"""A stack on an emulator of its own, with users that tests make and sign in through Cognito."""

from __future__ import annotations

import json
import secrets
import subprocess
import urllib.request
import uuid
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.command import totara

REGION = "ap-southeast-2"
ACCOUNT = "000000000000"


@dataclass
class Bank:
    """The stack `local` that is up, seen from outside."""

    endpoint: str
    environment: dict[str, str]
    _clients: dict[str, Any] = field(default_factory=dict)

    def aws(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self.endpoint,
                region_name=REGION,
                aws_access_key_id=ACCOUNT,
                aws_secret_access_key="emulated",
                # A refused sign-in answers 500 here, and must not be tried again.
                config=Config(retries={"total_max_attempts": 1}, read_timeout=60),
            )
        return self._clients[service]

    def parameter(self, name: str) -> str:
        path = f"/bank/local/cognito/{name}"
        return self.aws("ssm").get_parameter(Name=path)["Parameter"]["Value"]

    def pool(self, pool: str) -> str:
        return self.parameter(f"{pool}/pool-id")

    def client(self, name: str, pool: str) -> str:
        found = self.aws("cognito-idp").list_user_pool_clients(
            UserPoolId=self.pool(pool), MaxResults=60
        )["UserPoolClients"]
        return next(c["ClientId"] for c in found if c["ClientName"] == name)

    def totara(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return totara(*arguments, given=given, env=self.environment)

    def user(self, pool: str, groups: list[str], **attributes: str) -> User:
        """A user with a password; an attribute that is empty is left out."""
        customer = pool == "customers"
        number = secrets.randbelow(10**8)
        name = f"+6421{number:08d}" if customer else f"person{number}@example.test"
        kind = "phone_number" if customer else "email"
        own = {f"custom:{key}": value for key, value in attributes.items() if value}
        password = f"Aa1!{secrets.token_urlsafe(24)}"
        cognito, pool_id = self.aws("cognito-idp"), self.pool(pool)
        cognito.admin_create_user(
            UserPoolId=pool_id,
            Username=name,
            MessageAction="SUPPRESS",
            TemporaryPassword=password,
            UserAttributes=[
                {"Name": key, "Value": value}
                for key, value in {kind: name, f"{kind}_verified": "true", **own}.items()
            ],
        )
        cognito.admin_set_user_password(
            UserPoolId=pool_id, Username=name, Password=password, Permanent=True
        )
        for group in groups:
            cognito.admin_add_user_to_group(UserPoolId=pool_id, Username=name, GroupName=group)
        return User(self, pool, name, password)

    def customer(self, tenant: str, jurisdiction: str, **changes: str) -> User:
        identity = {"party_id": str(uuid.uuid4()), "user_id": str(uuid.uuid4())}
        attributes = {"tenant_id": tenant, "jurisdiction": jurisdiction, **identity, **changes}
        return self.user("customers", ["customers"], **attributes)

    def staff(self, tenant: str, jurisdiction: str, **changes: str) -> User:
        attributes = {"tenant_id": tenant, "jurisdiction": jurisdiction, **changes}
        return self.user("staff", ["operations"], **attributes)

    def verified(self, pool: str, token: str) -> dict[str, Any]:
        """Claims of a token whose RS256 signature one of the pool's keys made."""
        address = f"{self.endpoint}/{self.pool(pool)}/.well-known/jwks.json"
        with urllib.request.urlopen(address, timeout=10) as answer:
            keys = KeySet.import_key_set(json.load(answer))
        decoded = jwt.decode(token, keys, algorithms=["RS256"])
        assert decoded.header["alg"] == "RS256"
        return dict(decoded.claims)

    def restart_trigger(self, pool: str, **variables: str) -> None:
        """Start the function afresh, so that it asks for the licences at the next sign-in."""
        functions, name = self.aws("lambda"), f"bank-pre-token-generation-{pool}-local"
        current = functions.get_function_configuration(FunctionName=name)["Environment"]
        changed = {**current["Variables"], "RESTARTED": secrets.token_hex(4), **variables}
        functions.update_function_configuration(
            FunctionName=name, Environment={"Variables": changed}
        )

    def deploy_licence(self, tenant: str, **changes: str) -> str:
        """Roll out the profile `deployment` with other values for a tenant; the content before."""
        config = self.aws("appconfig")
        items = config.list_applications()["Items"]
        application = next(a["Id"] for a in items if a["Name"] == "bank-platform")
        found = config.list_configuration_profiles(ApplicationId=application)["Items"]
        profile = next(p["Id"] for p in found if p["Name"] == "deployment")
        where = {"ApplicationId": application, "ConfigurationProfileId": profile}
        versions = config.list_hosted_configuration_versions(**where)["Items"]
        newest = max(v["VersionNumber"] for v in versions)
        before = config.get_hosted_configuration_version(**where, VersionNumber=newest)
        text = before["Content"].read().decode()
        content = json.loads(text)
        for key, value in changes.items():
            content["tenants"][tenant][f"deployment.{key}"] = value
        self._roll_out(where, json.dumps(content))
        return text

    def restore_licences(self, text: str) -> None:
        config = self.aws("appconfig")
        items = config.list_applications()["Items"]
        application = next(a["Id"] for a in items if a["Name"] == "bank-platform")
        found = config.list_configuration_profiles(ApplicationId=application)["Items"]
        profile = next(p["Id"] for p in found if p["Name"] == "deployment")
        where = {"ApplicationId": application, "ConfigurationProfileId": profile}
        self._roll_out(where, text)

    def _roll_out(self, where: dict[str, str], text: str) -> None:
        config = self.aws("appconfig")
        version = config.create_hosted_configuration_version(
            **where, Content=text.encode(), ContentType="application/json"
        )["VersionNumber"]
        environments = config.list_environments(ApplicationId=where["ApplicationId"])["Items"]
        strategies = config.list_deployment_strategies()["Items"]
        config.start_deployment(
            **where,
            EnvironmentId=environments[0]["Id"],
            DeploymentStrategyId=min(
                strategies,
                key=lambda s: s["DeploymentDurationInMinutes"] + s["FinalBakeTimeInMinutes"],
            )["Id"],
            ConfigurationVersion=str(version),
        )


@dataclass(frozen=True)
class User:
    """A user of one of the pools."""

    bank: Bank
    pool: str
    name: str
    password: str

    def _client_id(self) -> str:
        return self.bank.client(
            "password" if self.pool == "customers" else "staff-password", self.pool
        )

    def sign_in(self) -> dict[str, str]:
        """Tokens, by the public call."""
        return self.bank.aws("cognito-idp").initiate_auth(
            AuthFlow="USER_PASSWORD_AUTH",
            ClientId=self._client_id(),
            AuthParameters={"USERNAME": self.name, "PASSWORD": self.password},
        )["AuthenticationResult"]

    def sign_in_as_administrator(self) -> dict[str, str]:
        """Tokens, by the call that needs AWS credentials."""
        return self.bank.aws("cognito-idp").admin_initiate_auth(
            UserPoolId=self.bank.pool(self.pool),
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            ClientId=self._client_id(),
            AuthParameters={"USERNAME": self.name, "PASSWORD": self.password},
        )["AuthenticationResult"]

    def refresh(self, tokens: dict[str, str]) -> dict[str, str]:
        return self.bank.aws("cognito-idp").initiate_auth(
            AuthFlow="REFRESH_TOKEN_AUTH",
            ClientId=self._client_id(),
            AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]},
        )["AuthenticationResult"]

    def change(self, **attributes: str) -> None:
        """As an administrator."""
        self.bank.aws("cognito-idp").admin_update_user_attributes(
            UserPoolId=self.bank.pool(self.pool),
            Username=self.name,
            UserAttributes=[{"Name": f"custom:{k}", "Value": v} for k, v in attributes.items()],
        )
