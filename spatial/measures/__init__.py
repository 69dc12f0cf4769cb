"""The measures that a plan's checks may name."""

from collections.abc import Mapping

from spatial.measures.coverage import stop_coverage
from spatial.measures.land import in_classes, land_share
from spatial.measures.measure import Measure

MEASURES: Mapping[str, Measure] = {
    "stop_coverage": Measure(stop_coverage, unit="share"),
    "land_share": Measure(land_share, unit="share"),
}

__all__ = ["MEASURES", "Measure", "in_classes", "land_share", "stop_coverage"]
