"""What a shared link has brought: it holds in this session, and is nobody's setting."""

import streamlit as st

from views import chips
from views.params import param_text
from views.session import Opened, brought, is_same, take_over
from views.settings import own_setting, setting_title
from views.text import Words


def tell_of_link(opened: Opened, words: Words) -> None:
    """Say where a link measures otherwise than the planner does, and let them choose."""
    held = brought()
    if not held:
        return
    with (
        st.container(border=True, key="pm-link"),
        st.container(horizontal=True, vertical_alignment="center", gap="small"),
    ):
        said = "".join(chips.line(chips.text(_said(opened, key, words))) for key in held)
        st.html(said, width="content")
        st.button(
            words("link.use_mine"),
            key="link.use_mine",
            icon=":material/undo:",
            on_click=_use_mine,
            args=(opened,),
        )
        st.button(
            words("link.take_over"),
            key="link.take_over",
            on_click=take_over,
            help=words("link.take_over_help"),
        )


def _said(opened: Opened, key: str, words: Words) -> str:
    _, check_id, name = key.split(".", 2)
    own = own_setting(opened, key)
    is_plans = is_same(own, opened.plan.checks[check_id].params[name])
    return words(
        "link.differs_from_default" if is_plans else "link.differs",
        what=setting_title(opened, key, words),
        theirs=param_text(opened, check_id, name, brought()[key], words),
        own=param_text(opened, check_id, name, own, words),
    )


def _use_mine(opened: Opened) -> None:
    for key in list(brought()):
        st.session_state[key] = own_setting(opened, key)
    take_over()
