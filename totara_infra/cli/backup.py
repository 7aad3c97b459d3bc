"""`totara backup`: export of what no AWS service backs up by itself, and its way back."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from totara_infra.cli.context import EnvironmentArgument
from totara_infra.cli.deploy import RehearseOption
from totara_infra.cli.output import Format, FormatOption, print_json, print_table

if TYPE_CHECKING:
    from totara_infra.operations.backup.action import Action
    from totara_infra.operations.backup.archive import Manifest
    from totara_infra.operations.backup.users import Renamed

app = typer.Typer(
    name="backup",
    help="Back up parameters, AppConfig, users and the metadata of secrets; restore them.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

AtOption = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="PLACE",
        envvar="TOTARA_BACKUP_PLACE",
        help="A folder, or s3://BUCKET/PREFIX. Unless given, the bucket of the scheduled exports; "
        "`.totara/backups` for local and rehearsals.",
    ),
]
KeyFileOption = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        metavar="FILE",
        envvar="TOTARA_BACKUP_KEY_FILE",
        help="The key of `totara backup new-key`.",
    ),
]
KeyDescriptorOption = Annotated[
    int | None,
    typer.Option("--key-fd", metavar="N", min=3, help="Read the key from this file descriptor."),
]
BackupOption = Annotated[
    str, typer.Option("--backup", metavar="ID", help="Which; the newest unless given.")
]
_USUAL = "under a minute"


@app.command("new-key")
def new_key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that does not exist yet.")],
) -> None:
    """Make a key for backups. Keep a copy where the environment can't be lost with it."""
    from totara_infra.operations.backup.sealing import write_new_key

    key = write_new_key(file)
    typer.echo(f"Key {key.id} is in {file}. Without it no backup made with it can be opened.")


@app.command("run")
def run(
    environment: EnvironmentArgument,
    rehearse: RehearseOption = False,
    at: AtOption = None,
    key_file: KeyFileOption = None,
    key_fd: KeyDescriptorOption = None,
    kms_key: Annotated[
        str | None,
        typer.Option(
            "--kms-key",
            metavar="ALIAS",
            help="Instead: a KMS key. Unless a key is given, that of the scheduled exports.",
        ),
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Back up now: a point-in-time export, encrypted. The values of secrets are not in it."""
    from datetime import UTC, datetime

    from totara_infra.delivery.backups import given_key, place_of
    from totara_infra.delivery.stacks import engine_stack, live_context
    from totara_infra.local.progress import step
    from totara_infra.model.problems import UsageError
    from totara_infra.operations.backup.archive import store
    from totara_infra.operations.backup.keys import new_key_from_kms
    from totara_infra.operations.backup.restore import export
    from totara_infra.operations.backup.schedule import export_key, export_keys_elsewhere
    from totara_infra.operations.backup.storage import storage_at

    blueprint, live = live_context(environment, rehearse)
    stores = blueprint.scope.catalogue.stores
    given = sum(x is not None for x in (key_file, key_fd, kms_key))
    if given == 0:
        kms_key = export_key(stores, live.settings)
    if given > 1 or (given == 0 and kms_key is None):
        raise UsageError("Say which key: one of --key-file FILE, --key-fd N, --kms-key ALIAS.")
    stack = engine_stack(environment, rehearse)
    wrapped: dict[str, str] = {}
    if kms_key is not None:
        elsewhere = export_keys_elsewhere(stores, live.settings)
        key, wrapped = new_key_from_kms(live, kms_key, stack, elsewhere)
    else:
        key = given_key(key_file, key_fd)
    storage = storage_at(place_of(environment, rehearse, at), live)
    taken = datetime.now(UTC)
    with step(f"Reading {stack}", _USUAL):
        contents = export(live, blueprint)
    manifest = store(
        storage,
        key,
        contents,
        stack=stack,
        account_id=live.settings.account_id,
        region=live.settings.region,
        taken=taken,
        wrapped_keys=wrapped,
    )
    if form is Format.JSON:
        print_json(manifest.model_dump(mode="json"))
        return
    _print_parts(manifest)
    typer.echo(f"Backup {manifest.id}, key {manifest.key}. Values of secrets are not in it.")


@app.command("list")
def list_backups(
    environment: EnvironmentArgument,
    rehearse: RehearseOption = False,
    at: AtOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """List the backups, the newest first. Needs no key, and proves nothing."""
    from totara_infra.delivery.backups import access, place_of
    from totara_infra.delivery.stacks import engine_stack
    from totara_infra.operations.backup.archive import manifests
    from totara_infra.operations.backup.storage import storage_at

    place = place_of(environment, rehearse, at)
    storage = storage_at(place, access(environment, rehearse, place))
    found = list(manifests(storage, engine_stack(environment, rehearse)))
    if form is Format.JSON:
        print_json(
            [m.model_dump(mode="json") if m else {"id": i, "readable": False} for i, m in found]
        )
        return
    print_table(
        ("backup", "taken", "account", "region", "key", "holds"),
        [
            (
                backup,
                f"{m.taken:%Y-%m-%d %H:%M:%S} UTC",
                m.account_id,
                m.region,
                f"{m.key}{' (KMS)' if m.wrapped_keys else ''}",
                ", ".join(f"{part.entries} {name}" for name, part in m.parts.items()),
            )
            if m
            else (backup, "can't be read", "", "", "", "")
            for backup, m in found
        ],
    )
    typer.echo(f"{len(found)} backups.")


@app.command("verify")
def verify(
    environment: EnvironmentArgument,
    rehearse: RehearseOption = False,
    at: AtOption = None,
    backup: BackupOption = "latest",
    key_file: KeyFileOption = None,
    key_fd: KeyDescriptorOption = None,
    max_age: Annotated[
        float | None,
        typer.Option("--max-age", metavar="HOURS", min=0, help="Exit 1 when it is older."),
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Open a backup and prove every byte of it. Exit 1 when it must not be used."""
    from datetime import UTC, datetime, timedelta

    from totara_infra.delivery.backups import access, opened, place_of
    from totara_infra.delivery.stacks import engine_stack

    place, stack = place_of(environment, rehearse, at), engine_stack(environment, rehearse)
    # Without the emulator's address a stack of this machine would ask AWS itself for the key.
    live = access(environment, rehearse, place, asks_kms=key_file is None and key_fd is None)
    manifest, _ = opened(live, stack, place, backup, key_file, key_fd)
    late = max_age is not None and datetime.now(UTC) - manifest.taken > timedelta(hours=max_age)
    if form is Format.JSON:
        print_json(manifest.model_dump(mode="json"))
    else:
        _print_parts(manifest)
        typer.echo(f"Backup {manifest.id} is whole, and of this environment.")
    if late:
        typer.echo(
            f"It is of {manifest.taken:%Y-%m-%d %H:%M} UTC, more than {max_age:g} hours ago.\n"
            "    fix: see why none was made since, and make one: totara backup run "
            f"{environment}{' --rehearse' if rehearse else ''}",
            err=True,
        )
        raise typer.Exit(1)


@app.command("restore")
def restore(
    environment: EnvironmentArgument,
    rehearse: RehearseOption = False,
    at: AtOption = None,
    backup: BackupOption = "latest",
    key_file: KeyFileOption = None,
    key_fd: KeyDescriptorOption = None,
    primary: Annotated[
        bool,
        typer.Option(
            "--primary",
            help="Of a recovery stack: the backup of the stack that it stands in for.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")
    ] = False,
    users_map: Annotated[
        Path | None,
        typer.Option(
            "--users",
            metavar="FILE",
            envvar="TOTARA_BACKUP_USERS",
            dir_okay=False,
            help="Where the map from old to new `sub` goes; `users-ENV-BACKUP.json` unless given.",
        ),
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Put back what is lost, after `totara up`. What is there stays as it is.

    Run it again after an interruption: it goes on with what is missing then. Exit 1 when something
    could not be put back.
    """
    from totara_infra.delivery.backups import opened, place_of, source_of
    from totara_infra.delivery.stacks import live_context
    from totara_infra.local.progress import step
    from totara_infra.operations.backup.restore import carry_out, planned
    from totara_infra.operations.backup.users import STORE, renamed
    from totara_infra.operations.roll_outs import minutes_of

    blueprint, live = live_context(environment, rehearse)
    place, stack = place_of(environment, rehearse, at), source_of(environment, rehearse, primary)
    manifest, contents = opened(live, stack, place, backup, key_file, key_fd)
    with step("Comparing the backup with what is there", _USUAL):
        actions = planned(live, blueprint, contents)
    again: list[Renamed] = []
    file = users_map or Path(f"users-{manifest.stack}-{manifest.id}.json")
    if not dry_run:
        _require_folder(file)
        waiting = sum(a.do is not None for a in actions)
        if waiting:
            # Applications roll out side by side, the profiles of one of them one by one.
            minutes = minutes_of(live.settings)
            slow = f", and {minutes} for each roll-out of an application" if minutes else ""
            with step(f"Putting back {waiting} things", f"a minute for 500 users{slow}"):
                carry_out(actions)
        again = renamed(live, blueprint, contents.get(STORE, []))
        if again:
            _write_map(file, manifest, again)
    if form is Format.JSON:
        print_json(
            {
                "backup": manifest.id,
                "dry_run": dry_run,
                "users": str(file) if again else None,
                "actions": [
                    {
                        "store": a.store,
                        "subject": a.subject,
                        "way": a.way.value,
                        "what": a.what,
                        "outcome": a.outcome.value,
                        "fault": a.fault,
                    }
                    for a in actions
                ],
            }
        )
    else:
        _print_actions(manifest, actions, dry_run)
        if again:
            typer.echo(
                f"{len(again)} users have a new `sub`. The map is in {file}: give it to whoever "
                "keeps access.user_identities. They have no password and no passkey any more, and "
                "must enrol again."
            )
    if any(a.outcome == "failed" for a in actions):
        raise typer.Exit(1)


def _require_folder(file: Path) -> None:
    from totara_infra.model.problems import UsageError

    if not file.absolute().parent.is_dir():
        raise UsageError(f"The folder of `{file}` does not exist. Make it first.")


def _write_map(file: Path, manifest: Manifest, again: list[Renamed]) -> None:
    from dataclasses import asdict

    from totara_infra.operations.backup.storage import Folder

    content = {"backup": manifest.id, "users": [asdict(user) for user in again]}
    Folder(file.absolute().parent).write(file.name, (json.dumps(content, indent=2) + "\n").encode())


def _print_parts(manifest: Manifest) -> None:
    print_table(
        ("store", "entries", "bytes"),
        [(name, part.entries, part.bytes) for name, part in manifest.parts.items()],
    )


def _print_actions(manifest: Manifest, actions: list[Action], dry_run: bool) -> None:
    if actions:
        print_table(
            ("store", "what", "way", "outcome", ""),
            [
                (a.store, a.subject, a.way.value, a.outcome.value, a.fault or a.what)
                for a in actions
            ],
        )
    counts = Counter(a.way.value for a in actions)
    said = ", ".join(f"{number} {way}" for way, number in counts.items()) or "nothing is lost"
    typer.echo(f"Backup {manifest.id}: {said}.")
    if dry_run:
        typer.echo("Nothing was changed.")
