"""JSON Schemas, generated from the models: of the YAML files, for editors, and of evidence."""

from __future__ import annotations

from typing import Any

from totara_infra.model.alerts import AlertPlan
from totara_infra.model.catalogue import Domain, SequencePlan
from totara_infra.model.databases import DatabaseCatalogue
from totara_infra.model.evidence import EvidenceRecord
from totara_infra.model.provisioning import ProvisioningCatalogue
from totara_infra.model.recovery import RecoveryPlan
from totara_infra.model.runbook import RunbookRecord
from totara_infra.model.stores import StoreCatalogue
from totara_infra.model.tenancy import Tenancy, Tenant


def json_schemas() -> dict[str, dict[str, Any]]:
    """File name -> schema (draft 2020-12)."""
    return {
        "alerts.json": AlertPlan.model_json_schema(),
        "databases.json": DatabaseCatalogue.model_json_schema(),
        "evidence.json": EvidenceRecord.model_json_schema(),
        "domain.json": Domain.model_json_schema(),
        "recovery.json": RecoveryPlan.model_json_schema(),
        "provisioning.json": ProvisioningCatalogue.model_json_schema(),
        "runbook.json": RunbookRecord.model_json_schema(),
        "sequence.json": SequencePlan.model_json_schema(),
        "stores.json": StoreCatalogue.model_json_schema(),
        "tenancy.json": Tenancy.model_json_schema(),
        "tenant.json": Tenant.model_json_schema(),
    }
