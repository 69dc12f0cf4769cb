"""Reading a GeoJSON file feature by feature, so that a broken one is named."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from layers.problem import Problem

_DEFAULT_CRS = "OGC:CRS84"  # what RFC 7946 prescribes: WGS 84, longitude first


def parse_geojson(
    content: bytes, *, key: str, where: str
) -> tuple[gpd.GeoDataFrame | None, list[Problem]]:
    """Turn the bytes of a GeoJSON file into a frame indexed by feature id.

    `key` is the property that holds the id (a feature's own `id` member serves where the property
    is absent); empty, ids are made from the contents, and equal features are numbered. The frame
    is in the file's own CRS and holds every property; a feature whose geometry cannot
    be built has None there and a Problem in the list. No frame comes back where the file is not
    GeoJSON at all.
    """
    try:
        data = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return None, [
            Problem(where, "", "encoding", f"byte {error.start} is not UTF-8; save as UTF-8")
        ]
    except (json.JSONDecodeError, RecursionError) as error:
        return None, [Problem(where, "", "geojson", f"not valid JSON: {error}")]
    features = data.get("features") if isinstance(data, dict) else None
    if not isinstance(features, list) or data.get("type") != "FeatureCollection":
        found = data.get("type") if isinstance(data, dict) else type(data).__name__
        message = f"'{found}' is not a GeoJSON FeatureCollection with a list of features"
        return None, [Problem(where, "", "geojson", message)]
    crs, problems = _crs(data, where)
    ids, rows, geometries = [], [], []
    seen: Counter[str] = Counter()
    for number, feature in enumerate(features, start=1):
        if not isinstance(feature, dict) or not isinstance(feature.get("properties") or {}, dict):
            problems.append(
                Problem(where, f"no. {number}", "geojson", "not a GeoJSON Feature with properties")
            )
            continue
        properties = dict(feature.get("properties") or {})
        feature_id = _feature_id(feature, properties, key)
        if feature_id is None:
            message = f"no '{key}'; every feature needs an id of its own"
            problems.append(Problem(where, f"no. {number}", "id", message))
            continue
        if not key:
            seen[feature_id] += 1
            if seen[feature_id] > 1:
                feature_id = f"{feature_id}-{seen[feature_id]}"
        geometry, problem = _geometry(feature, where, feature_id)
        problems += problem
        ids.append(feature_id)
        rows.append(properties)
        geometries.append(geometry)
    if crs is None:
        return None, problems
    columns = list(dict.fromkeys(name for row in rows for name in row if name != "geometry"))
    frame = gpd.GeoDataFrame(
        {name: [row.get(name) for row in rows] for name in columns},
        geometry=geometries,
        crs=crs,
        index=pd.Index(ids, dtype=str, name="id"),
    )
    return frame, problems


def _crs(data: Mapping[str, Any], where: str) -> tuple[CRS | None, list[Problem]]:
    member = data.get("crs")
    name = _DEFAULT_CRS
    if isinstance(member, dict) and isinstance(member.get("properties"), dict):
        name = str(member["properties"].get("name", _DEFAULT_CRS))
    try:
        return CRS.from_user_input(name), []
    except CRSError:
        message = f"unknown CRS '{name}' in the file; name one as in 'EPSG:4490' or leave it out"
        return None, [Problem(where, "", "crs", message)]


def _feature_id(feature: Mapping[str, Any], properties: Mapping[str, Any], key: str) -> str | None:
    if not key:
        text = json.dumps([feature.get("geometry"), properties], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:10]
    value = properties.get(key, feature.get("id") if key == "id" else None)
    if value is None or isinstance(value, dict | list) or not str(value).strip():
        return None
    return str(value).strip()


def _geometry(
    feature: Mapping[str, Any], where: str, feature_id: str
) -> tuple[BaseGeometry | None, list[Problem]]:
    member = feature.get("geometry")
    if member is None:
        message = "the geometry is null; draw it or leave the feature out"
        return None, [Problem(where, feature_id, "geometry", message)]
    try:
        geometry = shapely.force_2d(shape(member))
    except (
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
        IndexError,
        shapely.errors.ShapelyError,
    ) as error:
        message = f"the geometry cannot be read ({type(error).__name__}: {error})"
        return None, [Problem(where, feature_id, "geometry", message)]
    return geometry, []
