"""The measures that a plan's checks may name."""

from collections.abc import Mapping

from spatial.measures.coverage import stop_coverage
from spatial.measures.extent import feature_count, total_area, total_length
from spatial.measures.land import class_areas, in_classes, land_areas, land_share
from spatial.measures.measure import Measure

MEASURES: Mapping[str, Measure] = {
    "stop_coverage": Measure(stop_coverage, unit="share"),
    "land_share": Measure(land_share, unit="share"),
    "total_length": Measure(total_length, unit="m"),
    "total_area": Measure(total_area, unit="m2"),
    "feature_count": Measure(feature_count, unit="count"),
}

__all__ = [
    "MEASURES",
    "Measure",
    "class_areas",
    "feature_count",
    "in_classes",
    "land_areas",
    "land_share",
    "stop_coverage",
    "total_area",
    "total_length",
]
