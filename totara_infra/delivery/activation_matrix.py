"""The activation matrix: every module for every tenant and environment, as data and as a page."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from totara_infra.delivery.placing import Placement, Placing, own_client_ids
from totara_infra.delivery.tenants import decision_data
from totara_infra.local.project import project_root
from totara_infra.model.catalogue import Catalogue
from totara_infra.model.loading import LoadedCatalogue
from totara_infra.model.vocabulary import Environment
from totara_infra.resolver import ActivationState, Decision


@dataclass(frozen=True)
class Column:
    """One tenant in one environment.

    Attributes:
        placement: the tenant and the stack that serves it.
        decisions: module id -> its activation.
    """

    placement: Placement
    decisions: dict[str, Decision]

    @property
    def client_id(self) -> str:
        """The tenant's client id."""
        return self.placement.tenant.client_id

    @property
    def environment(self) -> Environment:
        """The environment."""
        return self.placement.settings.environment

    def as_data(self, module_id: str | None = None) -> dict[str, Any]:
        """The column as plain data, of all modules or of one."""
        return {
            "tenant": self.client_id,
            "environment": self.environment.value,
            "modules": [
                decision_data(d) for d in self.decisions.values() if module_id in (None, d.id)
            ],
        }


def columns(
    loaded: LoadedCatalogue, environments: Sequence[Environment], client_id: str | None
) -> list[Column]:
    """The matrix: those that a stack lists first, then those that only have a file.

    Args:
        loaded: the catalogue.
        environments: one or several.
        client_id: one tenant; every tenant that has a file where it is left out.

    Raises:
        UsageError: there is no such tenant.
        ProblemsError: what is wrong in the files.
    """
    client_ids = own_client_ids(project_root()) if client_id is None else [client_id]
    found: list[Column] = []
    for environment in environments:
        placing = Placing(loaded, environment)
        placed = [placing.place(c) for c in client_ids]
        found += [
            Column(p, p.decisions(loaded)) for p in sorted(placed, key=lambda p: bool(p.note))
        ]
    return found


_LABELS = {
    ActivationState.ALWAYS_ON: "always on",
    ActivationState.ACTIVE: "active",
    ActivationState.OFF: "off",
    ActivationState.NOT_DEPLOYED: "not deployed",
}

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem; color: #1b1f24; background: #fff; }
table { border-collapse: collapse; margin-top: 1rem; }
th, td { border: 1px solid #d0d7de; padding: .3rem .6rem; text-align: left; vertical-align: top; }
thead th { position: sticky; top: 0; background: #f6f8fa; z-index: 1; }
tbody th { font-weight: 600; white-space: nowrap; }
th small { font-weight: 400; }
.always_on { background: #ddf4ff; } .active { background: #dafbe1; }
.off { background: #fff1e5; } .not_deployed { background: #eaeef2; color: #57606a; }
td summary { cursor: pointer; } td p { margin: .3rem 0; max-width: 26rem; }
abbr { text-decoration: none; } .note { color: #57606a; }
"""

_SCRIPT = """
const text = document.getElementById('text'), differ = document.getElementById('differ');
function choose() {
  const wanted = text.value.toLowerCase();
  let shown = 0;
  for (const row of document.querySelectorAll('tbody tr')) {
    const states = new Set([...row.querySelectorAll('td[data-state]')].map(c => c.dataset.state));
    row.hidden = !row.dataset.name.includes(wanted) || (differ.checked && states.size < 2);
    shown += row.hidden ? 0 : 1;
  }
  document.getElementById('shown').textContent = shown;
}
text.addEventListener('input', choose); differ.addEventListener('change', choose); choose();
"""


def page(catalogue: Catalogue, chosen: Sequence[Column], module_id: str | None = None) -> str:
    """The matrix as one HTML page that needs nothing else.

    Each cell names the state; its reasons and provenance are a tooltip and unfold on a click.

    Args:
        catalogue: whose modules are the rows.
        chosen: the columns.
        module_id: one module; all of them where it is left out.
    """
    modules = [m for m in catalogue.modules.values() if module_id in (None, m.id)]
    heads = "".join(_head(column) for column in chosen)
    rows = "\n".join(
        f'<tr data-name="{html.escape(f"{m.id} {m.title}".lower())}"><th scope="row">{m.id}</th>'
        f"<td>{html.escape(m.title)}</td>"
        + "".join(_cell(column.decisions[m.id]) for column in chosen)
        + "</tr>"
        for m in modules
    )
    notes = "".join(
        f'<p class="note">{html.escape(n)}</p>'
        for n in dict.fromkeys(c.placement.note for c in chosen if c.placement.note)
    )
    legend = ", ".join(
        f'<span class="{state.value}">&nbsp;{_LABELS[state]}&nbsp;</span> {meaning}'
        for state, meaning in (
            (ActivationState.ALWAYS_ON, "runs and has no switch"),
            (ActivationState.ACTIVE, "runs for the tenant"),
            (ActivationState.OFF, "not for this tenant, but for another one of the stack"),
            (ActivationState.NOT_DEPLOYED, "exists nowhere in the stack"),
        )
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Activation matrix</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{_STYLE}</style></head><body>
<h1>Activation matrix</h1>
<p>Which module each tenant has, and why: {legend}. A cell unfolds to its reasons; an asterisk
marks a decision that the platform's reference leaves open.</p>
{notes}
<p><label>Module <input id="text" type="search" placeholder="MOD-118, BPAY …"></label>
<label><input id="differ" type="checkbox"> only where tenants differ</label>
(<span id="shown">{len(modules)}</span> of {len(modules)} modules)</p>
<table><thead><tr><th>Module</th><th>Title</th>{heads}</tr></thead>
<tbody>
{rows}
</tbody></table>
<script>{_SCRIPT}</script>
</body></html>
"""


def _head(column: Column) -> str:
    tenant = column.placement.tenant
    about = f"{tenant.institution_type}, {tenant.jurisdiction}, {tenant.status}"
    options = ", ".join(tenant.options) or "no options"
    return (
        f'<th scope="col" title="{html.escape(options)}">{html.escape(tenant.display_name)}<br>'
        f"<small>{html.escape(tenant.client_id)} in {column.environment}<br>{about}</small></th>"
    )


def _cell(decision: Decision) -> str:
    state = decision.state.value
    assumed = "" if decision.provenance.value == "published" else "*"
    tip = html.escape(f"{' '.join(decision.reasons)} ({decision.provenance})")
    reasons = "".join(f"<p>{html.escape(r)}</p>" for r in decision.reasons)
    return (
        f'<td class="{state}" data-state="{state}" title="{tip}"><details><summary>'
        f"{_LABELS[decision.state]}{assumed}</summary>{reasons}"
        f"<p>Provenance: {decision.provenance}.</p></details></td>"
    )
