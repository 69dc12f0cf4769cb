"""我的数据: a planner's own file takes the place of a sketch, in this workspace only."""

import streamlit as st

from layers import InputError
from views import chips
from views.draft import begin_draft, draft, reader
from views.intake_flow import bring_in
from views.intake_form import show_problems
from views.own_layers import say_what_changed, show_own_layers
from views.session import Opened
from views.text import Words
from views.workspace import workspace_problem
from views.workspace_bar import workspace_bar

_REFUSED, _UPLOADS = "own.refused", "own.uploads"


def show(opened: Opened, words: Words) -> None:
    """Draw the page: the layers that are there and the way in, or the file that is coming in."""
    st.html(chips.line(chips.text(words("own.intro"), muted=True)))
    workspace_bar(words)
    problem = workspace_problem()
    if problem is not None:
        st.error(chips.unmarked(problem.in_(words.lang)))
        return
    held = draft()
    if held is not None:
        bring_in(opened, held, words)
        return
    say_what_changed(opened, words)
    reader(opened.pack.catalogue.pack.limits)  # ready before a file is dropped
    number = st.session_state.setdefault(_UPLOADS, 0)
    key = f"own.file.{number}"
    st.file_uploader(
        words("own.upload"),
        key=key,
        help=words("own.upload_help"),
        max_upload_size=opened.pack.catalogue.pack.limits.file_mb,
        on_change=_take_file,
        args=(opened, key),
    )
    st.caption(words("own.formats"))
    if st.session_state.get(_REFUSED):
        show_problems(st.session_state[_REFUSED], words)
    show_own_layers(opened, words)


def _take_file(opened: Opened, key: str) -> None:
    """Look into a dropped file; one that cannot be read leaves everything as it was."""
    file = st.session_state.get(key)
    st.session_state[_REFUSED] = None
    if file is None:
        return
    try:
        begin_draft(file.name, file.getvalue(), opened.pack.catalogue.pack.limits)
    except InputError as error:
        st.session_state[_REFUSED] = error.problems
    st.session_state[_UPLOADS] += 1  # an empty box again: the file is ours now
