"""The Dongli Planning Map: `streamlit run app.py`, or `python run.py app` with all its set-up."""

from functools import partial

import streamlit as st

from layers import LANGUAGES, InputError
from views import checks, indicators, map_page, my_data, sources, zones
from views.address import write_language
from views.chips import CHINESE_CSS, ICON, PAGE_CSS, brand, page_help
from views.link import tell_of_link
from views.session import current_pack
from views.settings import ask_about_clashes, keep_settings, restore_settings
from views.text import Words
from views.workspace import remember_workspace, with_own_layers

_MOST_PROBLEMS = 20

st.set_page_config(page_title="规划一张图", page_icon=str(ICON), layout="wide")
st.html(f"<style>{PAGE_CSS}</style>")
st.session_state.setdefault("lang", "en" if st.query_params.get("lang") == "en" else "zh")
lang = st.sidebar.segmented_control(
    "语言 / Language",
    LANGUAGES,
    key="lang",
    required=True,
    persist_state="session",
    format_func={"zh": "中文", "en": "English"}.__getitem__,
    label_visibility="collapsed",
)
words = Words(lang or "zh")
if words.lang == "zh":
    st.html(f"<style>{CHINESE_CSS}</style>")
try:
    opened = current_pack()
except InputError as error:
    lines = [str(problem) for problem in error.problems]
    st.error(words("app.broken_pack", count=len(lines)))
    st.code("\n".join(lines[:_MOST_PROBLEMS]), language=None, wrap_lines=True)
    if len(lines) > _MOST_PROBLEMS:
        st.caption(words("app.broken_more", count=len(lines) - _MOST_PROBLEMS))
    st.stop()
opened = with_own_layers(opened)
restore_settings(opened)

pages = {
    name: st.Page(
        partial(show, opened, words),
        title=words(f"app.page_{name}"),
        url_path="" if name == "map" else name,
        icon=f":material/{icon}:",
        default=name == "map",
    )
    for name, show, icon in (
        ("map", map_page.show, "map"),
        ("checks", checks.show, "checklist"),
        ("zones", zones.show, "table_chart"),
        ("indicators", indicators.show, "flag"),
        ("data", my_data.show, "upload_file"),
        ("sources", sources.show, "source"),
    )
}
st.session_state["pages"] = pages
page = st.navigation(list(pages.values()), position="top")
st.sidebar.html(brand(opened, words) + page_help(page.url_path, words))
top = st.container()  # always there, so that what follows keeps its place
with top:
    write_language(words.lang, page.url_path)
    keep_settings(opened, words)  # before the page, which may take long
    remember_workspace()
try:
    page.run()
except Exception:
    st.error(words("app.failed"))  # above what Streamlit says of it, which also logs it
    raise
is_new = keep_settings(opened, words)
with top:
    if is_new:  # the browser is to know of it at once: who reloads now would not find it again
        remember_workspace()
    ask_about_clashes(opened, words)
    tell_of_link(opened, words)
