"""The backup with which a drill, or people, bring back what the program does not make."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from totara_infra.delivery.runbooks import Finding
from totara_infra.model.stack import primary_of
from totara_infra.operations.backup.action import Way
from totara_infra.operations.backup.archive import contents, manifest_text, proved, store
from totara_infra.operations.backup.keys import key_from_file
from totara_infra.operations.backup.restore import export, planned
from totara_infra.operations.backup.sealing import write_new_key
from totara_infra.operations.backup.storage import storage_at
from totara_infra.recovery.errors import DrillError
from totara_infra.recovery.scene import Scene
from totara_infra.recovery.signs import listed

PLACE_VARIABLE = "TOTARA_BACKUP_PLACE"
KEY_VARIABLE = "TOTARA_BACKUP_KEY_FILE"
USERS_VARIABLE = "TOTARA_BACKUP_USERS"
"""Variables from which `totara backup` takes what its options leave open."""


def _folder(scene: Scene) -> Path:
    if scene.folder is None:
        raise DrillError("Only a drill keeps a backup of its own.")
    return scene.folder


def take(scene: Scene) -> None:
    """Back the environment up into the drill's folder, with a key of its own."""
    folder, settings = _folder(scene), scene.live.settings
    key_file = folder / "backup-key"
    key_file.unlink(missing_ok=True)
    key = write_new_key(key_file)
    store(
        storage_at(str(folder / "backups"), scene.live),
        key,
        export(scene.live, scene.blueprint),
        stack=scene.stack,
        account_id=settings.account_id,
        region=settings.region,
        taken=datetime.now(UTC),
    )
    scene.facts["backup"] = True


def variables(scene: Scene) -> dict[str, str]:
    """Variables with which the commands of a drill find its backup; none where it has none."""
    if "backup" not in scene.facts:
        return {}
    folder = _folder(scene)
    return {
        PLACE_VARIABLE: str(folder / "backups"),
        KEY_VARIABLE: str(folder / "backup-key"),
        USERS_VARIABLE: str(folder / "users.json"),
    }


def restored(scene: Scene) -> Finding:
    """Whether a stack has everything of its backup, or of that of the one it stands in for."""
    given = {**os.environ, **variables(scene)}
    if PLACE_VARIABLE not in given or KEY_VARIABLE not in given:
        return Finding(
            False,
            f"No backup to compare with: set {PLACE_VARIABLE} and {KEY_VARIABLE}.",
        )
    key = key_from_file(Path(given[KEY_VARIABLE]))
    storage, source = storage_at(given[PLACE_VARIABLE], scene.live), primary_of(scene.stack)
    text = manifest_text(storage, source, "latest")
    manifest = proved(text, key, stack=source, account_id=scene.live.settings.account_id)
    actions = planned(scene.live, scene.blueprint, contents(storage, key, manifest))
    missing = [a.subject for a in actions if a.way is Way.RESTORE]
    if missing:
        return Finding(False, f"{len(missing)} things of the backup are lost: {listed(missing)}.")
    return Finding(True, f"Everything of backup {manifest.id} that can be restored is there.")
