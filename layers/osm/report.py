"""What an import says of the pack that it made, and of what it left out."""

from collections.abc import Iterator, Sequence

from layers.formats.pbf import NamedBoundary
from layers.osm.area import AREA_LAYER, EDGE_DEGREES, Boundaries
from layers.osm.entries import STOPS, Contents, output_of, title_of
from layers.osm.tags import ADMIN
from layers.text import Text

_SHOWN = 12
_M_PER_KM, _M2_PER_KM2 = 1e3, 1e6


class Report:
    """The lines about a pack, in the order in which they are read, each in both languages."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._phrases = contents.template["said"]

    def area(self, area_m2: float, off: float, *, guessed: bool) -> Iterator[Text]:
        """Say of which date the data are, what bounds the pack, and in which CRS it is measured.

        `off` is the distortion of areas as a share, `guessed` that nobody named the CRS.
        """
        header, area, crs = self._contents.header, self._contents.area, self._contents.crs
        date = header.timestamp
        yield self._said("data", date=date) if date else self._said("undated")
        yield self._said("area", title=area.title, layer=area.layer, km2=area_m2 / _M2_PER_KM2)
        yield self._said("crs_guessed" if guessed else "crs", crs=crs, off=off)
        if header.bbox is not None and area.layer == AREA_LAYER:
            west, south, east, north = header.bbox
            own = area.units.total_bounds
            beyond = (west - own[0], south - own[1], own[2] - east, own[3] - north)
            if max(beyond) > EDGE_DEGREES:
                yield self._said("outside")

    def layers(self) -> Iterator[Text]:
        """Say what each layer holds, what was mended, and which layers the extract lacks."""
        contents = self._contents
        for name, made in contents.layers.items():
            if name == AREA_LAYER:
                continue
            geometry = output_of(name, contents.table).geometry
            phrase = {"line": "layer_km", "polygon": "layer_km2", "point": "layer"}[geometry]
            yield self._said(
                phrase,
                layer=name,
                title=title_of(name, contents),
                count=len(made.frame),
                km=made.size / _M_PER_KM,
                km2=made.size / _M2_PER_KM2,
            )
            if made.mended:
                yield self._said("mended", layer=name, count=made.mended)
            if made.dropped:
                yield self._said("dropped", layer=name, count=made.dropped)
        absent = [n for n in contents.table.outputs if n not in contents.layers and n != ADMIN]
        if absent:
            yield self._said("absent", layers=Text(zh="、".join(absent), en=", ".join(absent)))
        if STOPS in absent:
            yield self._said("no_stops")

    def boundaries(self, boundaries: Boundaries, complete: int | None) -> Iterator[Text]:
        """Say which level makes the zones, and name the boundaries that were left out."""
        if complete is None:
            yield self._said("no_zones")
        else:
            yield self._said("zones", layer=f"{ADMIN}_{complete}")
        taken = {
            id_
            for name, made in self._contents.layers.items()
            if name.startswith(f"{ADMIN}_")
            for id_ in made.frame.index
        }
        beyond = [
            NamedBoundary(str(id_), str(unit["name"] or id_), str(unit["level"]))
            for id_, unit in boundaries.units.iterrows()
            if id_ not in taken
        ]
        for phrase, left_out in (("beyond", beyond), ("open", boundaries.open)):
            if left_out:
                yield self._said(phrase, count=len(left_out), names=_names(left_out))

    def _said(self, name: str, **values: object) -> Text:
        """Fill a phrase of `pack.toml` in both languages; a Text is taken in each."""
        phrase = self._phrases[name]
        zh = {key: value.zh if isinstance(value, Text) else value for key, value in values.items()}
        en = {key: value.en if isinstance(value, Text) else value for key, value in values.items()}
        return Text(zh=phrase["zh"].format(**zh), en=phrase["en"].format(**en))


def _names(boundaries: Sequence[NamedBoundary]) -> Text:
    """Names with levels, the coarsest level first, a dozen of them."""
    ordered = sorted(boundaries, key=lambda b: (len(b.level), b.level, b.name, b.id))
    zh = "、".join(f"{b.name or b.id}（{b.level} 级）" for b in ordered[:_SHOWN])
    en = ", ".join(f"{b.name or b.id} (level {b.level})" for b in ordered[:_SHOWN])
    more = " …" if len(ordered) > _SHOWN else ""
    return Text(zh=zh + more, en=en + more)
