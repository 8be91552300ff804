"""Heat and power: a hot machine, or one on battery, trains slowly."""

from __future__ import annotations

from tools.check_setup.contract import Item
from tools.workspace.power import Power


def judged(found: Power) -> Item:
    """What to do about the machine's heat and power, as `power.read` found them."""
    if found.on_battery is None and found.throttled is None:
        return Item(item="thermals", state="ok", found="no sensor tells; watch the fans during long runs")
    source = {None: "no battery", True: "on battery", False: "on mains power"}[found.on_battery]
    if found.battery is not None:
        source += f" ({found.battery}%)"
    if found.throttled:
        limit = f", speed limited to {found.speed_limit}%" if found.speed_limit is not None else ""
        heat = f", {found.heat:.0f} °C" if found.heat is not None else ""
        fix = "Let it cool and keep its vents free before a long run: a hot machine is slowed down."
        return Item(item="thermals", state="warn", found=f"hot{limit}{heat}; {source}", fix=fix)
    if found.on_battery:
        fix = "Plug it in before a run: on battery it is slower and may sleep."
        return Item(item="thermals", state="warn", found=f"cool; {source}", fix=fix)
    return Item(item="thermals", state="ok", found=f"cool; {source}")
