"""What one browser session works on: the pack, and what the planner has set."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any, TypeAlias

import streamlit as st

from layers import InputError, Language, Pack
from spatial import Check, CheckResult, Plan, ZoneTable, open_pack, run_check, zone_statistics
from spatial.indicators import Indicators, read_indicators
from spatial.outlook import ways
from spatial.run import Comparison, Inputs, definitions

PACK_VARIABLE = "PLANMAP_PACK"
EMBEDDED_PACK = Path(__file__).resolve().parent.parent / "geodata"
_REREAD_S = 600.0
"""After so long the layers that stand in databases are read again."""
_FOUND = "definitions.found"
_Kept: TypeAlias = tuple[str, tuple[Comparison, ...]]
"""Comparisons of a check, and what they are of: the data, the parameters, the target."""
FINDINGS = frozenset({"overrides", "matrix"})
"""Parameters that hold what planners have found out, and are no definition of the target."""
_BROUGHT = "link.brought"
_RETRY_S = 60.0
"""After so long a database that was away is asked again; until then nobody waits for it."""


def pack_folder() -> Path:
    """Folder of the pack that the app was started with, the embedded one by default."""
    return Path(os.environ.get(PACK_VARIABLE) or EMBEDDED_PACK).resolve()


@dataclass(frozen=True, slots=True)
class Opened:
    """A pack with its plan; `key` changes when a file of the pack or a row of a database does.

    `own` is the key of the planner's own layers in it, empty without any; `own_versions` are
    their versions in the workspace.
    """

    pack: Pack
    plan: Plan
    files: str
    own: str = ""
    own_versions: Mapping[str, int] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Changes with whatever may change a result."""
        return f"{self.files}|{self.own}" if self.own else self.files

    @property
    def is_embedded(self) -> bool:
        """Whether it is the project's own pack, whose layers anybody may fetch.

        It is no longer, once somebody has put a layer of a database into it.
        """
        return self.pack.folder == EMBEDDED_PACK and not self.has_databases

    @property
    def has_databases(self) -> bool:
        """Whether a layer stands in a database, which may change without a file's changing."""
        return any(spec.postgis is not None for spec in self.pack.catalogue.layers.values())


def current_pack() -> Opened:
    """Open the pack; read again only when one of its files has changed or its databases are due.

    Raises InputError where the pack is not sound.
    """
    folder = pack_folder()
    files = sorted(folder.glob("*")) if folder.is_dir() else []
    key = "|".join(f"{file.name}:{file.stat().st_mtime_ns}" for file in files)
    return _open(str(folder), key).opened


def read_again() -> None:
    """Have the pack read again by whoever needs it next."""
    _open.clear()


@dataclass(frozen=True, slots=True)
class _Reading:
    """A pack as it was read at a time, in seconds of the monotonic clock."""

    opened: Opened
    at: float


def _is_fresh(reading: _Reading) -> bool:
    opened = reading.opened
    good_for_s = _RETRY_S if opened.pack.unavailable else _REREAD_S
    return not opened.has_databases or monotonic() - reading.at < good_for_s


@st.cache_resource(max_entries=2, show_spinner=False, validate=_is_fresh)
def _open(folder: str, key: str) -> _Reading:
    pack, plan = open_pack(Path(folder))
    away = (str(problem) for problem in pack.unavailable.values())
    key = "|".join((folder, key, pack.sha256, *away))
    return _Reading(Opened(pack, plan, key), monotonic())


def pack_indicators(opened: Opened) -> Indicators | None:
    """The plan's indicators, None where the pack has none."""
    return _indicators(str(opened.pack.folder), opened.key)


@st.cache_resource(max_entries=2, show_spinner=False)
def _indicators(folder: str, key: str) -> Indicators | None:
    del key  # part of the cache key only
    return read_indicators(Path(folder))


@st.cache_resource(max_entries=128, show_spinner=False)
def _measure(_opened: Opened, _check: Check, key: str, asked: str) -> CheckResult:
    del asked  # part of the cache key only
    return run_check(_opened.pack, _check, inputs=_inputs(_opened, key))


def compared(
    opened: Opened, check: Check, variant: str, across: Mapping[str, tuple[float, ...]]
) -> tuple[Comparison, ...]:
    """Run a check by one of its definitions, across some values, or take what was found before."""
    definition = check.variants[variant].model_copy(update={"across": across})
    params = {name: value for name, value in check.params.items() if name not in across}
    asked = f"{_asked(check.model_copy(update={'params': params}))}|{variant}|{across}"
    one = check.model_copy(update={"variants": {variant: definition}})
    return _compare(opened, one, opened.key, asked)


def keep_definitions(opened: Opened, check: Check, comparisons: tuple[Comparison, ...]) -> None:
    """Keep for the record what a check came to by its definitions, without the places."""
    kept: dict[str, _Kept] = st.session_state.setdefault(_FOUND, {})
    kept[check.id] = (f"{opened.key}|{_asked(check)}", tuple(map(_without_places, comparisons)))


def definitions_found(opened: Opened) -> Callable[[], Mapping[str, tuple[Comparison, ...]]]:
    """Give what says, later and outside the session, which definitions have been worked out.

    They are those of checks as they are in force now; nothing is worked out for it.
    """
    kept: dict[str, _Kept] = st.session_state.setdefault(_FOUND, {})
    asked = {
        id_: f"{opened.key}|{_asked(check_in_force(opened, id_))}" for id_ in opened.plan.checks
    }
    return lambda: {id_: found for id_, (key, found) in kept.items() if asked.get(id_) == key}


def _without_places(one: Comparison) -> Comparison:
    measured = one.result.measured
    if measured is None:
        return one
    bare = replace(measured, evidence=measured.evidence.iloc[:0])
    return replace(one, result=replace(one.result, measured=bare))


def would_change(
    opened: Opened, result: CheckResult, comparisons: tuple[Comparison, ...], lang: Language
) -> tuple[str, ...]:
    """What would change a verdict, or what was said of it before: it takes some trials."""
    told = "|".join(f"{one.name} {one.across} {one.result.verdict}" for one in comparisons)
    asked = f"{_asked(result.check)}|{result.why}|{lang}|{told}"
    return _would_change(opened, result, comparisons, opened.key, asked, lang)


@st.cache_resource(max_entries=128, show_spinner=False)
def _would_change(
    _opened: Opened,
    _result: CheckResult,
    _comparisons: tuple[Comparison, ...],
    key: str,
    asked: str,
    lang: Language,
) -> tuple[str, ...]:
    del key, asked  # part of the cache key only
    return ways(_opened.pack, _result, _comparisons, lang)


@st.cache_resource(max_entries=512, show_spinner=False)
def _compare(_opened: Opened, _check: Check, key: str, asked: str) -> tuple[Comparison, ...]:
    del asked  # part of the cache key only
    return definitions(_opened.pack, _check, inputs=_inputs(_opened, key))


@st.cache_resource(max_entries=2, show_spinner=False)
def _inputs(_opened: Opened, key: str) -> Inputs:
    del key  # part of the cache key only
    return Inputs(_opened.pack)


def _asked(check: Check) -> str:
    """What makes a check another: its parameters and the number that it is held to."""
    return f"{check.id}|{sorted(check.params.items())}|{check.target.limit}"


def zone_table(
    opened: Opened,
    layer_id: str,
    radius_m: float,
    definition: str = "",
    ranges: tuple[str, ...] | None = None,
) -> ZoneTable:
    """Describe the zones of a layer, by a definition of blue-green, or take it from before.

    `ranges` are the statistics whose range is wanted, which takes longer; all, if not given.
    """
    return _zones(opened, opened.key, layer_id, radius_m, definition, ranges)


@st.cache_resource(max_entries=32, show_spinner=False)
def _zones(
    _opened: Opened,
    key: str,
    layer_id: str,
    radius_m: float,
    definition: str,
    ranges: tuple[str, ...] | None,
) -> ZoneTable:
    del key  # part of the cache key only
    parts = _opened.plan.zone_statistics
    parts = parts.by(definition) if definition else parts
    return zone_statistics(_opened.pack, parts, layer_id, radius_m=radius_m, ranges=ranges)


def remembered(key: str, default: object) -> str:
    """Give a widget its first value, or one that a page has set for it; returns the key.

    The widget takes the key, `persist_state="session"` and no default of its own, and then keeps
    its value while its page is not shown.
    """
    st.session_state.setdefault(key, default)
    return key


def relabelled(key: str, default: object, named: str) -> str:
    """As `remembered`, for a choice among options that are called otherwise when `named` changes.

    The browser goes on showing the name that was chosen; it is handed the new one only if the
    value is set anew.
    """
    remembered(key, default)
    before = f"named.{key}"  # not under the key's own beginning, by which settings are told
    if st.session_state.get(before, named) != named:
        st.session_state[key] = st.session_state[key]
    st.session_state[before] = named
    return key


def bring(key: str, value: object) -> None:
    """Set something for this session only, as a shared link asks for it."""
    st.session_state[key] = value
    st.session_state.setdefault(_BROUGHT, {})[key] = value


def brought() -> Mapping[str, Any]:
    """What a link has set, as long as nobody has changed it or taken it over."""
    found: dict[str, Any] = st.session_state.setdefault(_BROUGHT, {})
    for key in [key for key, value in found.items() if st.session_state.get(key) != value]:
        del found[key]
    return found


def take_over() -> None:
    """Have what a link has set count as the planner's own from now on."""
    st.session_state[_BROUGHT] = {}


def is_same(one: Any, other: Any) -> bool:  # noqa: ANN401 - whatever a parameter may be
    """Whether two values of a parameter amount to the same; a list's order says nothing."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return sorted(one) == sorted(other)
    return bool(one == other)


def check_params(opened: Opened, check_id: str) -> Mapping[str, Any]:
    """Parameters of a check as the planner has set them in this session, else the plan's.

    An emptied list of classes counts as not set: of nothing there is no share.
    """
    own = opened.plan.checks[check_id].params
    return {
        name: value if chosen is None or chosen == [] else chosen
        for name, value in own.items()
        for chosen in [st.session_state.get(param_key(check_id, name))]
    }


def param_key(check_id: str, name: str) -> str:
    """Key of the widget that sets a parameter of a check, on whichever page it stands."""
    return f"param.{check_id}.{name}"


def limit_key(check_id: str) -> str:
    """Key of a target of the planner's own, where the plan names no number."""
    return f"limit.{check_id}"


def check_in_force(opened: Opened, check_id: str) -> Check:
    """A check as the planner has set it in this session, else as the plan has it.

    Parameters that the measure refuses, as from a workspace of another version, are passed over.
    """
    check = opened.plan.checks[check_id].with_limit(st.session_state.get(limit_key(check_id)))
    with suppress(InputError):
        return check.with_params(check_params(opened, check_id))
    return check


def result_of(opened: Opened, check_id: str) -> CheckResult:
    """Result of a check with the parameters in force in this session."""
    check = check_in_force(opened, check_id)
    return _measure(opened, check, opened.key, _asked(check))


def for_widget(value: Any) -> Any:  # noqa: ANN401 - whatever a parameter may be
    """A parameter's value as the widget that sets it holds it, and as the workspace keeps it."""
    if isinstance(value, list | tuple):
        return [for_widget(one) for one in value]
    if isinstance(value, Mapping):
        return {name: for_widget(one) for name, one in value.items()}
    if isinstance(value, bool):
        return value
    return float(value) if isinstance(value, int | float) else value
