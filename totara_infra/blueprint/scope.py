"""What every blueprint function needs to know of the environment that it plans for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from totara_infra.model.catalogue import Catalogue
from totara_infra.model.declarations import RuntimeRole
from totara_infra.model.naming import fill
from totara_infra.model.stack import StackSettings
from totara_infra.model.stores import BACKUP_TAG
from totara_infra.model.tenancy import Tenant
from totara_infra.model.vocabulary import Source
from totara_infra.resolver import Decision, activation


@dataclass(frozen=True)
class Scope:
    """An environment, its tenants and the catalogue.

    Attributes:
        catalogue: validated.
        settings: of the stack.
        tenants: those of the stack, in the order of its file.
        active: ids of the modules deployed here.
    """

    catalogue: Catalogue
    settings: StackSettings
    tenants: Sequence[Tenant]
    active: frozenset[str]

    @property
    def env(self) -> str:
        """The environment's name as it enters names."""
        return self.settings.environment.value

    @cached_property
    def default_tenant(self) -> Tenant:
        """The tenant behind the single-tenant names."""
        return next(t for t in self.tenants if t.client_id == self.settings.default_tenant)

    @cached_property
    def decisions(self) -> Mapping[str, Mapping[str, Decision]]:
        """Client id -> module id -> its activation."""
        return {
            t.client_id: activation(self.catalogue, self.settings.environment, t)
            for t in self.tenants
        }

    @cached_property
    def domain_roles(self) -> Mapping[str, str]:
        """Domain id -> the role that its functions assume."""
        return {
            resource.domain: resource.name
            for module in self.catalogue.modules.values()
            for resource in module.resources
            if isinstance(resource, RuntimeRole)
            and resource.domain
            and resource.source is Source.RESOURCE
        }

    def fill(self, name: str, client_id: str | None = None) -> str:
        """A catalogue name with its placeholders filled in."""
        values = {"env": self.env, "suffix": self.settings.bucket_suffix}
        if client_id is not None:
            values["client_id"] = client_id
        return fill(name, values)

    def arn(self, service: str, resource: str, *, regional: bool = True) -> str:
        """An ARN in this account, computed instead of asked for."""
        region = self.settings.region if regional else ""
        return f"arn:aws:{service}:{region}:{self.settings.account_id}:{resource}"

    def role_arn(self, role: str) -> str:
        """ARN of an IAM role of this account."""
        return self.arn("iam", f"role/{role}", regional=False)

    def tags(self, module_id: str, *, store: str = "") -> dict[str, str]:
        """Tag set of a module's resource.

        Args:
            module_id: the module.
            store: `kind:name` of what keeps state, which AWS Backup may select by a tag more.
        """
        tags = self.settings.tags(module_id, self.catalogue.domain_of[module_id].id)
        plan = self.catalogue.stores.plan_of.get(store) if self.catalogue.stores else None
        return {**tags, BACKUP_TAG: plan} if plan else tags

    def modules_of(self, readers: Sequence[str] | str) -> list[str]:
        """Module ids behind a list of readers: ids, domain ids, or `all`."""
        if readers == "all":
            return list(self.catalogue.modules)
        found: set[str] = set()
        for reader in readers:
            if reader in self.catalogue.domain:
                found |= {m.id for m in self.catalogue.domain[reader].modules}
            elif reader in self.catalogue.modules:
                found.add(reader)
        return sorted(found)
