"""Which browser it is: what it keeps in cookies, so that a reload finds the same workspace."""

import hashlib
import json
from collections.abc import Mapping
from urllib.parse import quote, unquote

import streamlit as st

_TOKEN, _SHARED = "token", "shared"
_KEY = "visitor"
_COOKIE_AGE_S = 400 * 24 * 3600  # what browsers allow at most

# Written by the browser itself: Streamlit hands cookies in, but sends none out.
_SCRIPT = """
export default function ({ data }) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  for (const [name, value] of Object.entries(data.cookies)) {
    document.cookie = `${name}=${value}; path=/; SameSite=Strict; Max-Age=${data.age}${secure}`;
  }
}
"""
_component = st.components.v2.component("planmap_visitor", js=_SCRIPT)


def known_token(pack: str) -> str | None:
    """Token of this session, or the one that its browser has kept for a pack; None for neither."""
    return _known(pack, _TOKEN) or None


def keep_token(token: str) -> None:
    """Take a token for this session; `show_cookies` has the browser keep it."""
    st.session_state[f"{_KEY}.{_TOKEN}"] = token


def known_shared(pack: str) -> tuple[str, str]:
    """Name of the shared workspace that is open in this browser, and who works there."""
    try:
        found = json.loads(_known(pack, _SHARED) or "{}")
        name, author = str(found.get("name", "")), str(found.get("author", ""))
    except (AttributeError, ValueError):
        return "", ""  # a cookie of somebody else's making
    return name, author


def keep_shared(name: str, author: str) -> None:
    """Take a shared workspace for this session, or none by an empty name."""
    text = json.dumps({"name": name, "author": author})
    st.session_state[f"{_KEY}.{_SHARED}"] = text


def show_cookies(pack: str) -> None:
    """Hand what is to be kept to the browser; draws nothing. Asked on every run, done once."""
    wanted = {
        _cookie(pack, what): quote(st.session_state[key], safe="")
        for what in (_TOKEN, _SHARED)
        if (key := f"{_KEY}.{what}") in st.session_state
        and st.session_state[key] != _kept(st.context.cookies, _cookie(pack, what))
    }
    if wanted:
        with st.container(key="pm-visitor"):  # takes no room, see page.css
            _component(key="visitor", data={"cookies": wanted, "age": _COOKIE_AGE_S}, height=1)


def _known(pack: str, what: str) -> str:
    key = f"{_KEY}.{what}"
    if key in st.session_state:
        return str(st.session_state[key])
    return _kept(st.context.cookies, _cookie(pack, what))


def _kept(cookies: Mapping[str, str], name: str) -> str:
    value = cookies.get(name)
    return unquote(value) if isinstance(value, str) else ""


def _cookie(pack: str, what: str) -> str:
    """One cookie for each pack: two servers on one machine share their cookies."""
    return f"planmap_{what}_{hashlib.sha256(pack.encode()).hexdigest()[:8]}"
