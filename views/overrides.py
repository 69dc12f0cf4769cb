"""A planner's own judgement of a project's kind, with its reason, in place of what is recorded."""

from collections.abc import Iterable, Mapping

import streamlit as st

from layers import Pack
from spatial import Check, CheckResult
from spatial.measurement import Measurement
from spatial.phrases import unit_names
from spatial.plan import OVERRIDES
from views import chips
from views.facts import kind_name
from views.session import Opened, check_in_force, param_key, relabelled
from views.text import Words


def edit_overrides(
    opened: Opened, result: CheckResult, measured: Measurement, words: Words
) -> None:
    """Let the planner set the kind of a project; nothing for measures that take no such thing."""
    check, lang = result.check, words.lang
    if OVERRIDES not in check.params:
        return
    names = unit_names(opened.pack, check, lang)
    projects = sorted(
        (str(one) for one in measured.values.index), key=lambda one: names.get(one, one)
    )
    key = f"override.{check.id}"
    st.markdown(f"**{words('checks.overrides')}**", help=words("checks.overrides_help"))
    with st.form(key, clear_on_submit=False, border=True):
        st.selectbox(
            words("checks.project"),
            projects,
            index=None,
            key=relabelled(f"{key}.project", None, lang),
            placeholder=words("checks.override_choose"),
            format_func=lambda one: names.get(one, one),
        )
        st.selectbox(
            words("checks.place_kind"),
            _kinds(opened.pack, check),
            index=None,
            key=relabelled(f"{key}.kind", None, lang),
            placeholder=words("checks.override_choose"),
            format_func=lambda kind: _kind_text(opened.pack, check, kind, words),
        )
        st.text_input(words("checks.override_reason"), key=f"{key}.reason")
        st.form_submit_button(
            words("checks.override_keep"), on_click=_keep, args=(opened, check.id, key)
        )
    if st.session_state.get(f"{key}.lacks"):
        st.warning(words("checks.override_lacks"))
    _kept(opened, check, names, words)


def _kept(opened: Opened, check: Check, names: Mapping[str, str], words: Words) -> None:
    """List what has been set, each with a button that takes it back."""
    for project, said in check.params[OVERRIDES].items():
        with st.container(horizontal=True, vertical_alignment="center"):
            kind = kind_name(opened.pack, check, said["kind"], words.lang)
            name = names.get(project) or words("checks.override_gone")
            st.html(
                chips.line(
                    f"<b>{chips.text(name)}</b>",
                    f'<span class="pm-chip">{chips.text(kind)}</span>',
                    chips.text(said["reason"], muted=True),
                )
            )
            st.button(
                words("checks.override_remove"),
                key=f"override.remove.{check.id}.{project}",
                icon=":material/undo:",
                type="tertiary",
                on_click=_remove,
                args=(opened, check.id, project),
            )


def _keep(opened: Opened, check_id: str, key: str) -> None:
    state = st.session_state
    project, kind = state.get(f"{key}.project"), state.get(f"{key}.kind")
    reason = str(state.get(f"{key}.reason") or "").strip()
    state[f"{key}.lacks"] = not (project and kind and reason)
    if state[f"{key}.lacks"]:
        return
    now = dict(check_in_force(opened, check_id).params[OVERRIDES])
    state[param_key(check_id, OVERRIDES)] = {**now, project: {"kind": kind, "reason": reason}}
    state[f"{key}.project"] = state[f"{key}.kind"] = None
    state[f"{key}.reason"] = ""


def _remove(opened: Opened, check_id: str, project: str) -> None:
    now = check_in_force(opened, check_id).params[OVERRIDES].items()
    left = {one: said for one, said in now if one != project}
    st.session_state[param_key(check_id, OVERRIDES)] = left


def _kinds(pack: Pack, check: Check) -> list[str]:
    """The kinds that are allowed, then the others that the data name."""
    allowed = [str(kind) for kind in check.params.get("allowed", ())]
    return list(dict.fromkeys([*allowed, *sorted(_recorded(pack, check))]))


def _recorded(pack: Pack, check: Check) -> Iterable[str]:
    column = str(check.params.get("kind_column", ""))
    for layer_id in check.layers["projects"].all_layers:
        layer = pack.layers.get(layer_id)
        if layer is not None and column in layer.frame:
            yield from layer.frame[column].dropna().astype(str).unique()


def _kind_text(pack: Pack, check: Check, kind: str, words: Words) -> str:
    name = kind_name(pack, check, kind, words.lang)
    allowed = kind in check.params.get("allowed", ())
    return words("checks.kind_allowed" if allowed else "checks.kind_other", kind=name)
