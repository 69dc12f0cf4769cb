"""The measures that a plan's checks may name."""

from collections.abc import Mapping

from spatial.measures.circles import circle_share, kind_shares
from spatial.measures.cover import in_classes
from spatial.measures.coverage import stop_coverage
from spatial.measures.extent import feature_count, total_area, total_length
from spatial.measures.facilities import (
    area_per_head,
    facilities_per_unit,
    people_per_facility,
)
from spatial.measures.land import class_areas, land_areas, land_share
from spatial.measures.measure import STATED, Measure
from spatial.measures.people import people_coverage, total_people, walk_coverage
from spatial.measures.raster import raster_share
from spatial.measures.recorded import total_recorded
from spatial.measures.rules import allowed_projects, tiers_of
from spatial.measures.service import service_coverage

MEASURES: Mapping[str, Measure] = {
    "stop_coverage": Measure(stop_coverage, unit="share"),
    "service_coverage": Measure(service_coverage, unit="share"),
    "people_coverage": Measure(people_coverage, unit="share", counts="people"),
    "walk_coverage": Measure(walk_coverage, unit="share", counts="people"),
    "total_people": Measure(total_people, unit="people"),
    "land_share": Measure(land_share, unit="share"),
    "raster_share": Measure(raster_share, unit="share"),
    "total_length": Measure(total_length, unit="m"),
    "total_area": Measure(total_area, unit="m2"),
    "feature_count": Measure(feature_count, unit="count"),
    "allowed_projects": Measure(allowed_projects, unit="count"),
    "total_recorded": Measure(total_recorded, unit=STATED),
    "facilities_per_unit": Measure(facilities_per_unit, unit="ratio", counts="count"),
    "people_per_facility": Measure(people_per_facility, unit="people", counts="people"),
    "area_per_head": Measure(area_per_head, unit="m2_per_person"),
    "circle_share": Measure(circle_share, unit="share", counts="people"),
}

__all__ = [
    "MEASURES",
    "Measure",
    "allowed_projects",
    "area_per_head",
    "circle_share",
    "class_areas",
    "facilities_per_unit",
    "feature_count",
    "in_classes",
    "kind_shares",
    "land_areas",
    "land_share",
    "people_coverage",
    "people_per_facility",
    "raster_share",
    "service_coverage",
    "stop_coverage",
    "tiers_of",
    "total_area",
    "total_length",
    "total_people",
    "total_recorded",
    "walk_coverage",
]
