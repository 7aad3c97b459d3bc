"""The environment as somebody with a console sees it: boto3, and names looked up by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import boto3

from totara_infra.blueprint import Blueprint, PlannedResource, Reference

STRANGER = "999999999999"


class Cloud:
    """Calls of somebody who knows nothing of the project."""

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint
        self.settings = blueprint.scope.settings
        self._clients: dict[str, Any] = {}

    def __getattr__(self, service: str) -> Any:
        name = service.replace("_", "-") if service == "cognito_idp" else service.rstrip("_")
        if name not in self._clients:
            self._clients[name] = boto3.client(
                name,
                endpoint_url=self.settings.endpoint,
                region_name=self.settings.region,
                aws_access_key_id=self.settings.account_id,
                aws_secret_access_key="stranger",
            )
        return self._clients[name]

    def of(self, token: str, index: int = 0, has: str = "name") -> PlannedResource:
        """One resource of a type that has a property, if any has; the index wraps around."""
        ours = [r for r in self.blueprint.resources.values() if r.type == token]
        found = [r for r in ours if has in r.properties] or ours
        return found[index % len(found)]

    def target(self, resource: PlannedResource, name: str) -> PlannedResource:
        """What a property refers to."""
        value = resource.properties[name]
        assert isinstance(value, Reference)
        return self.blueprint.resources[value.resource]

    def name(self, resource: PlannedResource) -> str:
        """The physical name."""
        given = resource.properties
        return str(given.get("name") or given.get("bucket") or given.get("alarm_name"))

    def pool(self, resource: PlannedResource) -> str:
        pools = self.cognito_idp.list_user_pools(MaxResults=60)["UserPools"]
        return next(p["Id"] for p in pools if p["Name"] == self.name(resource))

    def pool_of(self, part: PlannedResource) -> str:
        return self.pool(self.target(part, "user_pool_id"))

    def client(self, resource: PlannedResource) -> dict[str, str]:
        pool = self.pool_of(resource)
        found = self.cognito_idp.list_user_pool_clients(UserPoolId=pool, MaxResults=60)
        identifier = next(
            c["ClientId"]
            for c in found["UserPoolClients"]
            if c["ClientName"] == self.name(resource)
        )
        return {"UserPoolId": pool, "ClientId": identifier}

    def key(self, resource: PlannedResource) -> str:
        alias = next(
            r
            for r in self.blueprint.resources.values()
            if r.shape == "Alias"
            and r.properties["target_key_id"] == Reference(resource.name, "id")
        )
        return str(self.kms.describe_key(KeyId=self.name(alias))["KeyMetadata"]["KeyId"])

    def queue(self, resource: PlannedResource) -> str:
        return str(self.sqs.get_queue_url(QueueName=self.name(resource))["QueueUrl"])

    def topic(self, resource: PlannedResource) -> str:
        return self.blueprint.scope.arn("sns", self.name(resource))

    def subscription(self, resource: PlannedResource) -> str:
        topic = self.topic(self.target(resource, "topic"))
        endpoint = self.name(self.target(resource, "endpoint"))
        found = self.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        return next(
            str(s["SubscriptionArn"]) for s in found if s["Endpoint"].endswith(f":{endpoint}")
        )

    def policy(self, resource: PlannedResource) -> str:
        return self.blueprint.scope.arn("iam", f"policy/{self.name(resource)}", regional=False)

    def backup_plan(self, resource: PlannedResource) -> str:
        plans = self.backup.list_backup_plans()["BackupPlansList"]
        return next(p["BackupPlanId"] for p in plans if p["BackupPlanName"] == self.name(resource))

    def application(self, resource: PlannedResource) -> str:
        items = self.appconfig.list_applications(MaxResults=50)["Items"]
        return next(a["Id"] for a in items if a["Name"] == self.name(resource))

    def in_application(self, part: PlannedResource) -> dict[str, str]:
        """Ids of an AppConfig environment or profile, or of what belongs to a profile."""
        application = self.application(self.target(part, "application_id"))
        found = {"ApplicationId": application}
        if part.shape in ("HostedConfigurationVersion", "Deployment"):
            part = self.target(part, "configuration_profile_id")
        for kind, call, name in (
            ("EnvironmentId", self.appconfig.list_environments, self.blueprint.scope.env),
            ("ConfigurationProfileId", self.appconfig.list_configuration_profiles, self.name(part)),
        ):
            items = call(ApplicationId=application)["Items"]
            if identifier := next((i["Id"] for i in items if i["Name"] == name), None):
                found[kind] = identifier
        return found

    @cached_property
    def strategy(self) -> str:
        items = self.appconfig.list_deployment_strategies()["Items"]
        return next(s["Id"] for s in items if not s["Id"].startswith("AppConfig."))

    def arn(self, resource: PlannedResource) -> str:
        """ARN of a taggable thing."""
        scope, name = self.blueprint.scope, self.name(resource)
        places: dict[str, Callable[[], tuple[str, str]]] = {
            "Vault": lambda: ("backup", f"backup-vault:{name}"),
            "Plan": lambda: ("backup", f"backup-plan:{self.backup_plan(resource)}"),
            "EventBus": lambda: ("events", f"event-bus/{name}"),
            "Topic": lambda: ("sns", name),
            "LogGroup": lambda: ("logs", f"log-group:{name}"),
            "Function": lambda: ("lambda", f"function:{name}"),
            "MetricAlarm": lambda: ("cloudwatch", f"alarm:{name}"),
            "CompositeAlarm": lambda: ("cloudwatch", f"alarm:{name}"),
            "UserPool": lambda: ("cognito-idp", f"userpool/{self.pool(resource)}"),
            "Application": lambda: ("appconfig", f"application/{self.application(resource)}"),
            "DeploymentStrategy": lambda: ("appconfig", f"deploymentstrategy/{self.strategy}"),
        }
        if resource.shape in places:
            return scope.arn(*places[resource.shape]())
        ids = self.in_application(resource)
        base = f"application/{ids['ApplicationId']}"
        match resource.shape:
            case "Environment":
                base += f"/environment/{ids['EnvironmentId']}"
            case "ConfigurationProfile":
                base += f"/configurationprofile/{ids['ConfigurationProfileId']}"
            case "Deployment":
                base += f"/environment/{ids['EnvironmentId']}/deployment/{self.number(ids)}"
        return scope.arn("appconfig", base)

    def number(self, ids: dict[str, str]) -> int:
        """The newest deployment of a profile."""
        place = {k: ids[k] for k in ("ApplicationId", "EnvironmentId")}
        numbers = [d["DeploymentNumber"] for d in self.appconfig.list_deployments(**place)["Items"]]
        return max(
            n
            for n in numbers
            if self.appconfig.get_deployment(**place, DeploymentNumber=n)["ConfigurationProfileId"]
            == ids["ConfigurationProfileId"]
        )
