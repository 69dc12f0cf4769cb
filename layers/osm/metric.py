"""The metric CRS of an import, and by how much it distorts."""

import math

import geopandas as gpd
from pyproj import CRS
from shapely.geometry.base import BaseGeometry

from layers.crs import read_crs
from layers.formats.osm import FILE_CRS
from layers.problem import InputError, Problem
from layers.rules import scale_problems

CRS_OPTION = "layers osm --crs"
_SOUTHMOST, _NORTHMOST = -80.0, 84.0  # of UTM


def choose_crs(wanted: str, area: gpd.GeoDataFrame) -> tuple[str, float]:
    """Return the metric CRS of a pack, and by how much it distorts the area (0.001 is 0.1 %).

    Without a name it is the UTM zone of the area's middle. The distortion compares the area in
    the CRS with that on its ellipsoid. Raises InputError where the CRS is unknown, is not
    projected in metres, does not reach the area, or distorts it by more than 1 %.
    """
    name = wanted or _utm(area)
    crs = read_crs(name, CRS_OPTION)
    if not crs.is_projected or {axis.unit_name for axis in crs.axis_info} != {"metre"}:
        message = f"'{name}' ({crs.name}) is not a projected CRS in metres; e.g. 'EPSG:4548'"
        zh = f"“{name}”（{crs.name}）不是以米为单位的投影坐标系；请写成“EPSG:4548”这样的代码"
        raise InputError([Problem(CRS_OPTION, "", "crs", message, zh=zh)])
    metres = area.to_crs(crs).geometry.union_all()
    if not all(math.isfinite(side) for side in metres.bounds):
        message = f"'{name}' ({crs.name}) does not reach the area; name the CRS of the place"
        zh = f"“{name}”（{crs.name}）不适用于该范围；请填写当地的投影坐标系"
        raise InputError([Problem(CRS_OPTION, "", "crs", message, zh=zh)])
    distorted = list(scale_problems(metres, name, CRS_OPTION))
    if distorted:
        raise InputError(distorted)
    return name, distortion(metres, crs)


def distortion(area: BaseGeometry, crs: CRS) -> float:
    """By how much a CRS makes an area larger than it is on the ellipsoid, as a share.

    >>> import shapely
    >>> from pyproj import Transformer
    >>> to_mercator = Transformer.from_crs("OGC:CRS84", "EPSG:3857", always_xy=True)
    >>> square = shapely.box(*to_mercator.transform(9.5, 60.0), *to_mercator.transform(9.6, 60.1))
    >>> round(distortion(square, CRS("EPSG:3857")), 1)      # 1 / cos² 60° is 4
    3.0
    """
    geod, geodetic = crs.get_geod(), crs.geodetic_crs
    if geod is None or geodetic is None:
        return 0.0
    degrees = gpd.GeoSeries([area], crs=crs).to_crs(geodetic).iloc[0]
    true_m2 = abs(geod.geometry_area_perimeter(degrees)[0])
    return float(area.area / true_m2 - 1) if true_m2 else 0.0


def _utm(area: gpd.GeoDataFrame) -> str:
    west, south, east, north = area.to_crs(FILE_CRS).total_bounds
    lon, lat = (west + east) / 2, (south + north) / 2
    if not _SOUTHMOST <= lat <= _NORTHMOST:
        message = f"no UTM zone reaches latitude {lat:.1f}; name the metric CRS of the place"
        zh = f"纬度 {lat:.1f}° 不在 UTM 分带之内；请填写当地的投影坐标系"
        raise InputError([Problem(CRS_OPTION, "", "crs", message, zh=zh)])
    zone = int((lon + 180) // 6) % 60 + 1
    return f"EPSG:{(32600 if lat >= 0 else 32700) + zone}"
