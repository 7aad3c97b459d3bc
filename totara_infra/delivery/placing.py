"""Which stack serves a tenant in an environment, and which modules it has there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from totara_infra.local.project import project_root
from totara_infra.model.loading import LoadedCatalogue
from totara_infra.model.problems import UsageError
from totara_infra.model.stack import StackSettings, known_stacks, read_stack
from totara_infra.model.tenancy import Tenant
from totara_infra.model.tenants import tenant_file, tenant_files
from totara_infra.model.vocabulary import Environment
from totara_infra.resolver import Decision, activation_beside, deployed_modules
from totara_infra.resolver.licences import checked_tenants


@dataclass(frozen=True)
class Placement:
    """A tenant in the stack that serves it in one environment.

    Attributes:
        tenant: the tenant.
        stack: name of the stack.
        settings: of the stack; its list of tenants holds this one.
        tenants: every tenant of the stack.
        deployed: ids of the modules that the stack has.
        note: what was assumed where no stack of the environment lists the tenant, else empty.
    """

    tenant: Tenant
    stack: str
    settings: StackSettings
    tenants: list[Tenant]
    deployed: frozenset[str]
    note: str

    def decisions(self, loaded: LoadedCatalogue) -> dict[str, Decision]:
        """Module id -> its activation for the tenant."""
        environment = self.settings.environment
        return activation_beside(loaded.catalogue, environment, self.tenant, self.deployed)


def own_client_ids(root: Path) -> list[str]:
    """Client ids of the tenants that have a file."""
    return [path.stem for path in tenant_files(root)]


@dataclass(frozen=True)
class _Stack:
    """A stack as its files say: its tenants and what they have deployed between them."""

    name: str
    settings: StackSettings
    tenants: list[Tenant]
    deployed: frozenset[str]


class Placing:
    """Finds the stack that serves a tenant in an environment.

    It reads each file once, however many tenants are asked for.
    """

    def __init__(self, loaded: LoadedCatalogue, environment: Environment) -> None:
        self._catalogue = loaded.catalogue
        self._environment = environment
        self._root = project_root()
        self._unread = iter(known_stacks(self._root))
        self._serving: dict[str, str] = {}
        self._settings: dict[str, StackSettings] = {}
        self._stacks: dict[str, _Stack] = {}

    def place(self, client_id: str) -> Placement:
        """Find the stack that serves a tenant.

        A tenant that no stack of the environment lists is placed as if one did: the shared stack,
        or for an isolated client one of its own.

        Raises:
            UsageError: there is no such tenant.
            ProblemsError: what is wrong in the files.
        """
        if not tenant_file(self._root, client_id).is_file():
            known = ", ".join(own_client_ids(self._root)) or "none"
            raise UsageError(
                f"There is no tenant `{client_id}`: stacks/{client_id}.yaml does not exist. Known "
                f"tenants: {known}. Write a new one with `totara tenant new`."
            )
        name = self._name_of(client_id)
        if name is None:
            return self._as_if_listed(client_id)
        stack = self._stack(name)
        tenant = next(t for t in stack.tenants if t.client_id == client_id)
        return Placement(tenant, name, stack.settings, stack.tenants, stack.deployed, "")

    def _name_of(self, client_id: str) -> str | None:
        while client_id not in self._serving:
            name = next(self._unread, None)
            if name is None:
                return None
            settings = read_stack(self._root, name)
            if settings.environment is self._environment:
                self._settings[name] = settings
                for listed in settings.tenants:
                    self._serving.setdefault(listed, name)
        return self._serving[client_id]

    def _stack(self, name: str) -> _Stack:
        if name not in self._stacks:
            settings = self._settings.get(name) or read_stack(self._root, name)
            tenants = checked_tenants(self._catalogue, self._root, settings.tenants, name)
            self._stacks[name] = _Stack(name, settings, tenants, self._deployed(tenants))
        return self._stacks[name]

    def _deployed(self, tenants: Sequence[Tenant]) -> frozenset[str]:
        return frozenset(deployed_modules(self._catalogue, self._environment, tenants))

    def _as_if_listed(self, client_id: str) -> Placement:
        environment = self._environment
        tenant = checked_tenants(self._catalogue, self._root, [client_id])[0]
        own = self._deployed([tenant])
        if tenant.isolated:
            settings = read_stack(self._root, environment.value)
            alone = {"tenants": [client_id], "default_tenant": client_id}
            return Placement(
                tenant,
                f"{environment}-{client_id}",
                settings.model_copy(update=alone),
                [tenant],
                own,
                f"`{client_id}` has no stack of its own in {environment}; shown as if it had.",
            )
        shared = self._stack(environment.value)
        together = {"tenants": [*shared.settings.tenants, client_id]}
        return Placement(
            tenant,
            shared.name,
            shared.settings.model_copy(update=together),
            [*shared.tenants, tenant],
            shared.deployed | own,
            f"`{client_id}` is in no stack of {environment}; shown as if Pulumi.{environment}.yaml "
            "listed it.",
        )


def place(loaded: LoadedCatalogue, client_id: str, environment: Environment) -> Placement:
    """Find the stack that serves one tenant in an environment, see `Placing.place`."""
    return Placing(loaded, environment).place(client_id)
