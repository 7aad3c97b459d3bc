"""Check of the URLs that modules publish: whatever answers there, something does."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from totara_infra.model.naming import placeholders
from totara_infra.model.values import misfit
from totara_infra.model.vocabulary import Source, ValueType
from totara_infra.operations.checks.inspection import Inspection
from totara_infra.operations.checks.result import Result, failed, passed, skipped
from totara_infra.operations.configuration import parameter_values

_SECONDS = 5


class _Staying(urllib.request.HTTPRedirectHandler):
    """A redirection is an answer; where it leads is nobody's business here."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none."""


def check(inspection: Inspection) -> Iterator[Result]:
    """Every published URL answers; modules that have not published theirs are named."""
    scope, sequence = inspection.blueprint.scope, inspection.blueprint.sequence
    published = {
        scope.fill(parameter.path): module_id
        for module_id in sequence.module
        if inspection.covers(module_id)
        for parameter in scope.catalogue.modules[module_id].parameters
        if parameter.type is ValueType.URL
        and parameter.source is Source.DEPLOYMENT
        # What exists once for each tenant is a tenant's own address, not the module's.
        and not placeholders(parameter.path) - {"env"}
    }
    values = parameter_values(inspection.live, sorted(published))
    for path, module_id in published.items():
        if path not in values:
            why = "Their modules are not deployed by this program, and have not published it yet."
            yield skipped("published URL", f"{module_id} {path}", why)
    there = [(path, published[path], values[path]) for path in published if path in values]
    yield from inspection.each(lambda entry: _answer(*entry), there)


def _answer(path: str, module_id: str, url: str) -> Result:
    subject = f"{module_id} {url}"
    if misfit(ValueType.URL, url) is not None:
        fix = f"{module_id}'s own deployment writes it: deploy it again, or ask its team."
        return failed("published URL", path, "a URL with https", url, fix)
    # For an address on this machine, no proxy.
    proxies: dict[str, str] | None = {} if url.startswith("http://") else None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies), _Staying)
    try:
        with opener.open(urllib.request.Request(url, method="GET"), timeout=_SECONDS):
            return passed("published URL", subject)
    except urllib.error.HTTPError as error:
        # Without a token, 401 and 403 are the right answers; a gateway's 5xx is none.
        if error.code < http.client.INTERNAL_SERVER_ERROR:
            return passed("published URL", subject)
        found = f"HTTP {error.code}"
    except (OSError, http.client.HTTPException) as error:
        found = str(getattr(error, "reason", error)) or type(error).__name__
    fix = f"See whether {module_id} is deployed and healthy, and whether {path} is up to date."
    return failed("published URL", subject, "an answer", found, fix)
