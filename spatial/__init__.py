"""What is measured and what the plan asks."""

from spatial.plan import Check, Plan
from spatial.run import open_pack, run_check, run_checks
from spatial.verdict import CheckResult
from spatial.zone_table import ZoneTable
from spatial.zones import polygon_layers, zone_statistics

__all__ = [
    "Check",
    "CheckResult",
    "Plan",
    "ZoneTable",
    "open_pack",
    "polygon_layers",
    "run_check",
    "run_checks",
    "zone_statistics",
]
