"""Words and numbers for people: phrases from `text.toml`, figures rounded for reading."""

import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files

import pandas as pd

from layers import Basis, Language, Pack, Text
from spatial.measurement import NOTHING, Doubt, Figure, Measurement
from spatial.plan import Check
from spatial.verdict import CheckResult, Status, Verdict

_RECORDED_DIGITS = 6
_WHOLE_BELOW = 10_000
_SAME_SHARE = 1e-12
_LEAST_END = 1e-4
"""A share below this, as the end of a range, is told as less than this."""
_AS_NOUGHT = 0.0005
"""A range of shares that begins below this begins, for a reader, at nought."""
_LITTLE = 0.01
"""So little of a zone may have no class without a word."""
M_PER_KM = 1000.0
M2_PER_HA = 10_000.0
M2_PER_KM2 = 1_000_000.0
M2_PER_MU = 10_000.0 / 15.0

PHRASES: Mapping[str, Mapping[str, Text]] = {
    table: {name: Text(**phrase) for name, phrase in entries.items()}
    for table, entries in tomllib.loads(
        files("spatial").joinpath("text.toml").read_text(encoding="utf-8")
    ).items()
}


def phrase(table: str, name: str, lang: Language, /, **values: object) -> str:
    """Fill a phrase of `text.toml`, e.g. `phrase("verdict", "met", "zh")`."""
    return PHRASES[table][name].in_(lang).format(**values)


def verdict_text(verdict: Verdict | Status, lang: Language) -> str:
    """Name a verdict or a status.

    >>> verdict_text("not_met", "zh"), verdict_text("indicative", "en")
    ('不达标', 'indicative only')
    """
    return phrase("verdict", verdict, lang)


def basis_text(basis: Basis, lang: Language) -> str:
    """Name a basis, e.g. 示意 for a sketch."""
    return phrase("basis", basis, lang)


def number_text(value: float, digits: int = 3) -> str:
    """Round to significant digits, thousands separated; whole numbers below 10 000 stay whole.

    >>> number_text(476.2160), number_text(41_234.4), number_text(0.012345), number_text(308)
    ('476', '41,200', '0.0123', '308')
    """
    if value == 0:
        return "0"
    if float(value).is_integer() and abs(value) < _WHOLE_BELOW:
        return f"{int(value):,}"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, places)
    return f"{rounded:,.{max(places, 0)}f}"


def recorded_text(value: float) -> str:
    """Write a number as it was recorded, if it was recorded with few digits; round it otherwise.

    >>> recorded_text(10.61), recorded_text(17435), recorded_text(2266666.6671)
    ('10.61', '17,435', '2,270,000')
    """
    short = float(f"{value:.{_RECORDED_DIGITS}g}")
    if short != value:
        return number_text(value)
    return f"{value:,.10f}".rstrip("0").rstrip(".")


def share_text(share: float, *against: float) -> str:
    """Write a share as per cent, with enough digits to tell it from the shares it is held against.

    >>> share_text(0.8512), share_text(0.99996, 1.0), share_text(0.0)
    ('85.1%', '99.996%', '0%')
    """
    others = [other for other in against if abs(other - share) > _SAME_SHARE]
    for digits in range(3, 9):
        text = number_text(share * 100, digits)
        if float(text.replace(",", "")) not in {round(other * 100, 9) for other in others}:
            break
    return f"{text}%"


def share_end_text(share: float, *against: float) -> str:
    """Write a share that ends a range; one that is all but nought is told as less than so much.

    >>> share_end_text(0.00003), share_end_text(0.0), share_end_text(0.413)
    ('< 0.01%', '0%', '41.3%')
    """
    return f"< {_LEAST_END:.2%}" if 0 < share < _LEAST_END else share_text(share, *against)


def area_text(area_m2: float, lang: Language, *, beside_m2: float = 0.0) -> str:
    """Write an area: m² below one hectare, hectares below 10 km², km² above.

    Beside another it is written in the unit of the larger of the two.

    >>> area_text(476_216_000, "zh"), area_text(2_267_000, "zh"), area_text(820, "en")
    ('476 km²', '227 公顷', '820 m²')
    >>> area_text(2_267_000, "zh", beside_m2=476_216_000)
    '2.27 km²'
    """
    size_m2 = max(area_m2, beside_m2)
    if 0 < size_m2 < 1:
        return "< 1 m²"
    if size_m2 < M2_PER_HA:
        return f"{number_text(area_m2)} m²"
    if size_m2 < 10 * M2_PER_KM2:
        return f"{number_text(area_m2 / M2_PER_HA)} {'公顷' if lang == 'zh' else 'ha'}"
    return f"{number_text(area_m2 / M2_PER_KM2)} km²"


def target_text(check: Check, lang: Language) -> str:
    """Write what the target asks, e.g. 不低于 85%."""
    limit, comparison = check.target.limit, check.target.comparison
    if limit is None or comparison is None:
        return phrase("comparison", "none", lang)
    if isinstance(limit, Mapping):
        return phrase("comparison", "per_unit", lang)
    said = phrase("comparison", comparison, lang, limit=value_text(check, limit, lang))
    return phrase("comparison", "own", lang, target=said) if check.target.own else said


def value_text(check: Check, value: float, lang: Language, *against: float) -> str:
    """Write a value in the unit of a check, with the digits it takes to tell it from others."""
    unit = check.target.unit
    if unit == "share":
        return share_text(value, *against)
    if unit == "m2":
        mu = f"{value / M2_PER_MU:,.0f} {'亩' if lang == 'zh' else 'mu'}"
        brackets = "{}（{}）" if lang == "zh" else "{} ({})"
        return brackets.format(area_text(value, lang), mu)
    written = {
        "m": lambda: f"{number_text(value / M_PER_KM)} km",
        "people": lambda: people_text(value, lang),
        "count": lambda: number_text(value),
        "ratio": lambda: phrase("amount", "ratio", lang, value=number_text(value)),
    }
    if unit in written:
        return written[unit]()
    return f"{recorded_text(value)} {unit_text(unit, lang)}".rstrip()


def people_text(people: float, lang: Language) -> str:
    """Write a number of residents: three significant digits, as counts of people are no better.

    >>> people_text(312.4, "zh"), people_text(1_000_000, "en"), people_text(0.2, "en")
    ('312 人', '1,000,000 people', '< 1 people')
    """
    said = "< 1" if 0 < people < 1 else f"{float(f'{people:.3g}'):,.0f}"
    return f"{said} {'人' if lang == 'zh' else 'people'}"


def unit_text(unit: str, lang: Language) -> str:
    """Name a unit, e.g. of an amount on record; the unit itself where nothing is said of it.

    >>> unit_text("t/d", "zh"), unit_text("m³/s", "zh")
    ('吨/日', 'm³/s')
    """
    return PHRASES["unit"][unit].in_(lang) if unit in PHRASES["unit"] else unit


def chart_scale(check: Check, lang: Language) -> tuple[float, str]:
    """Return by what a value is multiplied for a chart's axis, and the unit that it then has."""
    scales = {
        "share": (100.0, "%"),
        "m": (1 / M_PER_KM, "km"),
        "m2": (1 / M2_PER_HA, "公顷" if lang == "zh" else "ha"),
    }
    return scales.get(check.target.unit, (1.0, unit_text(check.target.unit, lang)))


def check_title(check: Check, lang: Language) -> str:
    """Name a check, with the parameters in force: 公交站点 300 米覆盖率."""
    return _filled(check, check.title.in_(lang))


_ABOUT = {"station_radius_m": ("stations",)}
"""Parameters that say nothing where a layer is not bound."""


def full_title(check: Check, lang: Language) -> str:
    """Name a check with the definition by which it is measured, where that is not its own."""
    title, definition = check_title(check, lang), check.definition.in_(lang)
    if not definition:
        return title
    return f"{title}（{definition}）" if lang == "zh" else f"{title} ({definition})"


def params_text(check: Check, lang: Language) -> str:
    """Write the parameters by which a check is measured, those that have a name: 半径（米）500."""
    known = PHRASES["parameter"]
    said = []
    for name, value in check.params.items():
        if name not in known or value is None or not {*_ABOUT.get(name, ())} <= {*check.layers}:
            continue
        values = [value] if isinstance(value, str | int | float) else [*value]
        number = [number_text(v) if isinstance(v, int | float) else str(v) for v in values]
        said.append(f"{known[name].in_(lang)} {' '.join(number)}")
    return ("；" if lang == "zh" else "; ").join(said)


def sentence(check: Check, lang: Language) -> str:
    """Say what the plan asks, with the parameters in force."""
    return _filled(check, check.sentence.in_(lang))


def statement(pack: Pack, result: CheckResult, lang: Language) -> str:
    """State the verdict in the check's own sentence; empty where it has none for this verdict."""
    check = result.check
    said = check.says.get(result.verdict)
    if said is None:
        return ""
    whole = result.measured.whole if result.measured else NOTHING
    limits = check.target.limits

    def written(value: float | None) -> str:
        return "—" if value is None else value_text(check, value, lang, *limits)

    failing = [unit for unit, met in result.met.items() if met is False]
    names = unit_names(pack, check, lang)
    return _filled(
        check,
        said.in_(lang),
        value=written(whole.value),
        low=written(whole.low),
        high=written(whole.high),
        target=target_text(check, lang),
        difference="—" if whole.value is None else _difference(check, whole.value, limits, lang),
        failing=len(failing),
        units=listed([names.get(unit, unit) for unit in failing], lang),
        count=len(result.met),
    )


def _filled(check: Check, text: str, **results: object) -> str:
    values = {
        name: number_text(value) if isinstance(value, int | float) else value
        for name, value in check.params.items()
    }
    return text.format(**{**values, **results})


def unit_names(pack: Pack, check: Check, lang: Language) -> Mapping[str, str]:
    """Names of the units of a check, by id; the id serves where a feature has no name."""
    return names_in(pack, check.unit_layers, lang)


def names_in(pack: Pack, layers: Sequence[str], lang: Language) -> Mapping[str, str]:
    """Names of the features of layers that a check takes together, by the ids they then have."""
    names: dict[str, str] = {}
    for layer in layers:
        found = feature_names(pack, layer, lang)
        if len(layers) > 1:  # see spatial.run.Inputs.frame
            found = {f"{layer}:{feature}": name for feature, name in found.items()}
        names |= found
    return names


def feature_names(pack: Pack, layer_id: str, lang: Language) -> Mapping[str, str]:
    """Names of a layer's features in a language, by id."""
    if layer_id not in pack.layers:
        return {}
    frame = pack.layers[layer_id].frame
    names = dict(zip(frame.index, map(str, frame.index), strict=True))
    for column in ("name", "name_en") if lang == "en" else ("name",):
        if column in frame:
            names |= {str(i): str(v) for i, v in frame[column].dropna().items()}
    return names


def reason(pack: Pack, result: CheckResult, lang: Language) -> str:
    """Say in one or two sentences why the verdict is what it is."""
    own, ground = statement(pack, result, lang), _ground(pack, result, lang)
    gap = "" if lang == "zh" else " "
    plain = result.why == "compared" and (result.check.judge == "whole" or result.verdict == "met")
    said = own if own and plain else gap.join(part for part in (own, ground) if part)
    if (unmapped := _unmapped(result)) >= _LITTLE:
        said += gap + phrase("reason", "unmapped", lang, share=share_text(unmapped, 1.0))
    if result.basis is not None and not result.conclusive:
        basis = basis_text(result.basis, lang)
        said += gap + phrase("reason", "not_conclusive", lang, basis=basis)
    return said


def _unmapped(result: CheckResult) -> float:
    """Share of what is asked about that has no class."""
    doubts = () if result.measured is None else result.measured.doubts
    return sum(one.high - one.low for one in doubts if one.kind == "unclassified")


def _ground(pack: Pack, result: CheckResult, lang: Language) -> str:
    check = result.check
    if result.why in {"missing", "unfit"}:
        return _lacking(pack, result, lang)
    if result.why == "empty" or result.measured is None:
        return phrase("reason", "empty", lang)
    if result.why in {"no_target", "drawn", "proxy"}:
        return phrase(
            "reason",
            result.why,
            lang,
            value=figure_range_text(check, result.measured.whole, lang),
            target=target_text(check, lang),
            proxy=check.proxy.in_(lang),
        )
    return _compared(pack, result, result.measured, lang)


def _lacking(pack: Pack, result: CheckResult, lang: Language) -> str:
    titles = [pack.catalogue.layers[layer].title.in_(lang) for layer in result.missing]
    away = [pack.unavailable[layer] for layer in result.missing if layer in pack.unavailable]
    # The ground, not where it stands: a reader of results knows no layers.toml.
    whys = dict.fromkeys(why.zh if lang == "zh" else why.message for why in away)
    grounds = [phrase("reason", result.why, lang, layers=listed(titles, lang))]
    grounds += [_sentence(why, lang) for why in whys]
    return ("" if lang == "zh" else " ").join(grounds)


def _compared(pack: Pack, result: CheckResult, measured: Measurement, lang: Language) -> str:
    check = result.check
    whole, target = measured.whole, target_text(check, lang)
    limits = check.target.limits
    if result.why == "range":
        unit, ends = _widest(result, whole, measured.values)
        low, high = (None if e is None else value_text(check, e, lang, *limits) for e in ends)
        name = f"range{_open_end(low, high)}"
        said = phrase("reason", name, lang, target=target, low=low, high=high)
        names = unit_names(pack, check, lang)
        of_unit = phrase("reason", "of_unit", lang, unit=names.get(unit, unit)) if unit else ""
        return of_unit + said
    value = "—" if whole.value is None else value_text(check, whole.value, lang, *limits)
    failing = [unit for unit, met in result.met.items() if met is False]
    if check.judge == "whole" or (result.verdict == "not_met" and not failing):
        difference = "" if whole.value is None else _difference(check, whole.value, limits, lang)
        return phrase(
            "reason",
            f"whole_{result.verdict}",
            lang,
            value=value,
            target=target,
            difference=difference,
        )
    values = measured.values["value"]
    off = {unit: abs(values[unit] - (check.target.limit_of(unit) or 0.0)) for unit in failing}
    worst = min(failing, key=lambda unit: (-off[unit], unit)) if failing else ""
    worst_value = value_text(check, float(values[worst]), lang, *limits) if worst else ""
    measurable = [
        u for u in values[values.notna()].index if check.target.limit_of(str(u)) is not None
    ]
    undecided = sum(result.met.get(str(unit)) is None for unit in measurable)
    some_open = undecided > 0 and result.verdict == "not_met"
    said = phrase(
        "reason",
        "each_surely_not_met" if some_open else f"each_{result.verdict}",
        lang,
        target=target,
        value=value,
        count=len(measurable),
        failing=len(failing),
        worst=unit_names(pack, check, lang).get(worst, worst),
        worst_value=worst_value,
    )
    if some_open:
        gap = "" if lang == "zh" else " "
        said += gap + phrase("reason", "each_undecided", lang, count=undecided)
    return said


def listed(titles: Iterable[str], lang: Language) -> str:
    """Names in a row, as a language lists them."""
    return ("、" if lang == "zh" else ", ").join(titles)


def _sentence(text: str, lang: Language) -> str:
    return f"{text}。" if lang == "zh" else f"{text[:1].upper()}{text[1:]}."


def _difference(check: Check, value: float, limits: tuple[float, ...], lang: Language) -> str:
    if not limits:
        return "—"
    if check.target.unit != "share":
        return value_text(check, abs(value - limits[0]), lang)
    points = number_text(abs(value - limits[0]) * 100)
    return f"{points} 个百分点" if lang == "zh" else f"{points} percentage points"


def _widest(
    result: CheckResult, whole: Figure, values: pd.DataFrame
) -> tuple[str, tuple[float | None, float | None]]:
    """The unit that could not be decided with the widest range, and that; none for the whole.

    Numbers of things are told for the whole: one unit is one thing.
    """
    check = result.check
    of_whole = check.judge == "whole" or check.target.unit == "count"
    undecided = [
        unit
        for unit, met in result.met.items()
        if met is None and check.target.limit_of(unit) is not None
    ]
    ranges = values.loc[undecided, ["low", "high"]].dropna(how="all")
    if (of_whole and whole.value is not None) or ranges.empty:
        return "", (whole.low, whole.high)
    wide = (ranges["high"] - ranges["low"]).fillna(math.inf)
    row = int(wide.to_numpy().argmax())
    low, high = (None if math.isnan(end) else float(end) for end in ranges.iloc[row].tolist())
    return str(ranges.index[row]), (low, high)


def _open_end(low: object, high: object) -> str:
    """Ending of the name of a phrase about a range, by which of its ends there are.

    >>> _open_end(0.1, 0.2), _open_end(0.1, None), _open_end(None, 0.2), _open_end(None, None)
    ('', '_from', '_to', '_any')
    """
    if high is not None:
        return "" if low is not None else "_to"
    return "_from" if low is not None else "_any"


def figure_range_text(check: Check, figure: Figure, lang: Language) -> str:
    """Write a figure, with its range where it has one."""
    if figure.value is None:
        return "—"
    limits = check.target.limits
    text = value_text(check, figure.value, lang, *limits)
    if check.target.unit == "share" and figure.low is not None and figure.low < _AS_NOUGHT:
        figure = replace(figure, low=min(figure.value, 0.0))
    known = [end for end in (figure.low, figure.high) if end is not None]
    low, high = (
        None if end is None else _end_text(check, end, lang, *known)
        for end in (figure.low, figure.high)
    )
    if low is not None and (low == high or figure.low == figure.high):
        return text
    span = phrase("span", f"range{_open_end(low, high)}", lang, low=low, high=high)
    return f"{text}（{span}）" if lang == "zh" else f"{text} ({span})"


def _end_text(check: Check, value: float, lang: Language, *ends: float) -> str:
    """Write an end of a range: in brackets already, an area has none of its own in mu."""
    if check.target.unit == "m2":
        return area_text(value, lang, beside_m2=max(ends, default=0.0))
    if check.target.unit == "share":
        return share_end_text(value, *check.target.limits)
    return value_text(check, value, lang)


def doubt_text(pack: Pack, check: Check, doubt: Doubt, lang: Language) -> str:
    """Say where a doubt comes from, how it was found, and what it alone allows."""
    low, high = (
        _end_text(check, end, lang) if math.isfinite(end) else None
        for end in (doubt.low, doubt.high)
    )
    return phrase(
        "doubt",
        f"line{_open_end(low, high)}",
        lang,
        kind=phrase("doubt", doubt.kind, lang),
        method=phrase("method", doubt.method, lang),
        low=low,
        high=high,
        inputs=_doubt_inputs(pack, check, doubt, lang),
    )


def _doubt_inputs(pack: Pack, check: Check, doubt: Doubt, lang: Language) -> str:
    """What a doubt was found from: accuracies by layer, other numbers by their phrase."""
    said = []
    for name, value in doubt.inputs.items():
        number = number_text(value)
        if name in check.layers:
            layers = check.layers[name].all_layers
            titles = listed([pack.catalogue.layers[one].title.in_(lang) for one in layers], lang)
            said.append(phrase("doubt", "accuracy", lang, layers=titles, metres=number))
        elif name in PHRASES["doubt_input"]:
            said.append(phrase("doubt_input", name, lang, value=number))
    return phrase("doubt", "inputs", lang, inputs=listed(said, lang)) if said else ""


def fact_text(name: str, value: float, lang: Language) -> str:
    """Say a fact of a measurement; the ending of its name is its unit. A new one has no phrase yet.

    >>> fact_text("off_network_share", 0.0877, "zh"), fact_text("unnumbered_count", 2.0, "zh")
    ('附近没有步行道路的人占 8.77%', '没有人口数的对象 2 个，按 0 人计')
    >>> fact_text("brand_new_count", 2.0, "zh")
    ''
    """
    if name not in PHRASES["facts"]:
        return ""
    return phrase("facts", name, lang, value=_fact_value(name, value, lang))


def _fact_value(name: str, value: float, lang: Language) -> str:
    if name.endswith("_people"):
        return people_text(value, lang)
    if name.endswith("_share"):
        return share_text(value)
    if name.endswith("_m2"):
        return area_text(value, lang)
    if name.endswith("_m"):
        return f"{number_text(value)} {'米' if lang == 'zh' else 'm'}"
    return number_text(value)
