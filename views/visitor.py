"""Which browser it is: a random token in a cookie, so that a reload finds the same workspace."""

import hashlib

import streamlit as st

_KEY = "visitor.token"
_COOKIE_AGE_S = 400 * 24 * 3600  # what browsers allow at most

# Written by the browser itself: Streamlit hands cookies in, but sends none out.
_SCRIPT = """
export default function ({ data }) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${data.name}=${encodeURIComponent(data.token)}; path=/; SameSite=Strict` +
    `; Max-Age=${data.age}${secure}`;
}
"""
_component = st.components.v2.component("planmap_visitor", js=_SCRIPT)


def known_token(pack: str) -> str | None:
    """Token of this session, or the one that its browser has kept for a pack; None for neither."""
    held: str | None = st.session_state.get(_KEY)
    kept = st.context.cookies.get(_cookie(pack))
    return held or (kept if isinstance(kept, str) else None)


def keep_token(token: str) -> None:
    """Take a token for this session; `show_token` has the browser keep it."""
    st.session_state[_KEY] = token


def show_token(pack: str) -> None:
    """Hand the session's token to the browser; draws nothing. Asked on every run, done once."""
    token = st.session_state.get(_KEY)
    if token and st.context.cookies.get(_cookie(pack)) != token:
        data = {"name": _cookie(pack), "token": token, "age": _COOKIE_AGE_S}
        with st.container(key="pm-visitor"):  # takes no room, see page.css
            _component(key="visitor", data=data, height=1)


def _cookie(pack: str) -> str:
    """One cookie for each pack: two servers on one machine share their cookies."""
    return f"planmap_{hashlib.sha256(pack.encode()).hexdigest()[:8]}"
