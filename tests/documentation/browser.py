"""A real browser for the tests of the site: the one on this machine, or Debian's."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
VARIABLE = "TOTARA_BROWSER"
"""Path of a Chromium or Chrome that is none of these names on PATH."""
OFFLINE = (
    # Without its sandbox, which needs rights that root in a container does not have; the only
    # pages that it opens are ours. The rest keeps it from calling its maker.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class NoBrowserError(Exception):
    """There is no browser, and none can be installed; the text says why."""


def find_or_install() -> str:
    """Path of a browser; on Debian, and as root, its package is installed where there is none.

    Raises:
        NoBrowserError: there is none.
    """
    found = _find()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _apt_get("update")
        _apt_get("install", "--no-install-recommends", "chromium", "fonts-liberation")
        found = _find()
    if found is None:
        raise NoBrowserError(
            "no Chromium or Chrome on PATH, and only root on Debian can install one here; "
            f"install one, or set {VARIABLE} to its path"
        )
    return found


def _find() -> str | None:
    named = os.environ.get(VARIABLE)
    return named or next(filter(None, map(shutil.which, NAMES)), None)


def _apt_get(*arguments: str) -> None:
    done = subprocess.run(
        ["apt-get", "-y", "-q", "-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=120",
         *arguments],
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise NoBrowserError(f"apt-get {arguments[0]} failed: {done.stderr.strip()[-600:]}")


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless browser.

    Raises:
        NoBrowserError: there is none.
    """
    path = find_or_install()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(OFFLINE))
        yield started
        started.close()
