"""What the process that reads files may do: few drivers, no network, a bounded memory."""

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

ALLOWED_DRIVERS = frozenset(
    {
        "DXF",
        "ESRI Shapefile",
        "FlatGeobuf",
        "GPKG",
        "GTiff",
        "MEM",
        "Memory",
        "OSM",
        "OpenFileGDB",
    }
)
"""GDAL drivers that read what their content says and open nothing else. GeoJSON, KML, tables and
GTFS are read without GDAL; MEM and Memory hold the cells of a raster that become polygons."""

# GDAL has a list of drivers to leave out, none of drivers to keep: here stand all others that the
# wheels of pyogrio and rasterio bring. The reader adds what a newer one has besides.
_OTHER_DRIVERS = """
AAIGrid ACE2 ADBC ADRG AIG AIVector AVCBin AVCE00 AirSAR AmigoCloud BAG BIGGIF BLX BMP BSB BT BYN
CALS CEOS COASP COG COSAR CPG CSV CSW CTG CTable2 Carto DAAS DERIVED DGN DIMAP DIPEx DOQ1 DOQ2 DTED
ECRGTOC EDIGEO EEDA EEDAI EHdr EIR ELAS ENVI ERS ESAT ESRIC ESRIJSON Elasticsearch FAST FIT GDALG
GFF GIF GML GNMDatabase GNMFile GPSBabel GPX GRASSASCIIGrid GRIB GS7BG GSAG GSBG GSC GTFS GTI GTX
GXF GenBin GeoJSON GeoJSONSeq GeoRSS HDF5 HDF5Image HF2 HFA HTTP ILWIS IRIS ISCE ISG ISIS2 ISIS3
Idrisi JAXAPALSAR JDEM JML JP2OpenJPEG JPEG JSONFG KML KMLSUPEROVERLAY KRO L1B LAN LCP LIBKML LOSLAS
LVBAG Leveller MAP MBTiles MFF MFF2 MRF MSGN MVT MapML MiraMonVector NDF NGSGEOID NGW NITF NOAA_B
NSIDCbin NTv2 NWT_GRC NWT_GRD OAPIF ODS OGCAPI OGR_GMT OGR_PDS OGR_VRT OZI PAux PCIDSK PCRaster PDF
PDS PDS4 PGDUMP PLMOSAIC PLSCENES PMTiles PNG PNM PRF R RIK RMF ROI_PAC RPFTOC RRASTER RS2 RST
Rasterlite S102 S104 S111 S57 SAFE SAGA SAR_CEOS SDTS SENTINEL2 SGI SIGDEM SNAP_TIFF SNODAS SQLite
SRP SRTMHGT STACIT STACTA SXF Selafin TGA TIL TSX Terragen TopoJSON USGSDEM VDV VFK VICAR VRT WAsP
WCS WEBP WFS WMS WMTS XLSX XPM XYZ ZMap Zarr netCDF
"""
_OTHERS_WITH_SPACES = ("MapInfo File",)

# What of the parent's environment a Python needs to start; passwords of databases stay behind.
_KEPT = (
    "APPDATA",
    "DYLD_LIBRARY_PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "LOCALAPPDATA",
    "PATH",
    "SYSTEMROOT",
    "USERPROFILE",
    "WINDIR",
)
_NOWHERE = "http://127.0.0.1:9"  # a port that discards


def environment(scratch: Path, more_drivers: Iterable[str] = ()) -> dict[str, str]:
    """Return the environment of the process that reads files.

    `scratch` is its folder for temporary files, `more_drivers` are drivers to leave out that are
    not known here. PROJ and GDAL data of other installations are left behind, as is everything
    that the process does not need.

    >>> skipped = environment(Path("scratch"))["GDAL_SKIP"].split(",")
    >>> "OGR_VRT" in skipped, "GPKG" in skipped
    (True, False)
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    root = Path(__file__).resolve().parents[2]
    skipped = (*_OTHER_DRIVERS.split(), *_OTHERS_WITH_SPACES, *more_drivers)
    return {
        **kept,
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP", "CPL_TMPDIR"), str(scratch)),
        # The folder of the archive that is being read is no place to look for modules.
        "PYTHONPATH": str(root),
        "PYTHONSAFEPATH": "1",
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        # One file at a time, in one thread: each further one takes address space.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "GDAL_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "GDAL_SKIP": ",".join(skipped),
        "GDAL_DRIVER_PATH": "disable",
        "GDAL_PAM_ENABLED": "NO",
        "GDAL_CACHEMAX": "64",
        "DXF_ENCODING": "ISO-8859-1",  # a letter for each byte; the drawing's code page may lie
        "OGR_SQLITE_ALLOW_EXTERNAL_ACCESS": "NO",
        "OGR_SQLITE_LOAD_EXTENSIONS": "",
        "SHAPE_RESTORE_SHX": "YES",
        # No driver above goes to the network; should one try, it finds nobody.
        "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".nothing-may-be-fetched",
        "GDAL_HTTP_PROXY": _NOWHERE,
        "GDAL_HTTP_CONNECTTIMEOUT": "1",
        "GDAL_HTTP_MAX_RETRY": "0",
        **dict.fromkeys(("http_proxy", "https_proxy", "ALL_PROXY"), _NOWHERE),
        "PROJ_NETWORK": "OFF",
    }


def unwanted(drivers: Mapping[str, str]) -> list[str]:
    """Name the drivers that GDAL has kept and should not have.

    >>> unwanted({"GPKG": "rw", "Brand New": "r"})
    ['Brand New']
    """
    return sorted(set(drivers) - ALLOWED_DRIVERS)


if sys.platform != "win32":
    import resource
    import signal

    def limit_memory(memory_mb: int, file_mb: int) -> None:
        """Let this process have no more memory than this, write no larger file, and dump no core.

        What is limited is the address space, on Linux; macOS does not enforce it, Windows has
        nothing of the kind, and there only the time limit holds.
        """
        _lower(resource.RLIMIT_AS, memory_mb * 1024 * 1024)
        _lower(resource.RLIMIT_FSIZE, file_mb * 1024 * 1024)
        _lower(resource.RLIMIT_CORE, 0)

    def die_after(seconds: float) -> None:
        """End this process after so many seconds, even where nobody is left to do it; 0 unsets."""
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def _lower(what: int, most: int) -> None:
        _, hard = resource.getrlimit(what)
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard)
        resource.setrlimit(what, (most, hard))

else:

    def limit_memory(memory_mb: int, file_mb: int) -> None:
        """Windows knows no such limit."""

    def die_after(seconds: float) -> None:
        """Windows knows no such limit."""
