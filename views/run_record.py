"""运行记录: the record of all results shown, to be taken away and verified later."""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import streamlit as st

from layers.workspace import Workspace
from spatial import CheckResult
from spatial.record import RECORD_FILE, Asked, Own, run_record
from spatial.run import Comparison
from views.session import PACK_VARIABLE, Opened, definitions_found
from views.text import Words
from views.workspace import session_workspace


def offer_record(opened: Opened, results: Sequence[CheckResult], words: Words) -> None:
    """A button for the record of all targets, with the parameters in force.

    It is made when somebody clicks, outside the session: what that holds is looked up before.
    """
    workspace = session_workspace() if opened.own else None
    compared = definitions_found(opened)
    st.download_button(
        words("checks.record"),
        lambda: _record(opened, results, compared(), workspace, words),
        icon=":material/history:",
        help=words("checks.record_help"),
        file_name=RECORD_FILE,
        mime="application/json",
        on_click="ignore",
        key="checks.record",
    )


def _record(
    opened: Opened,
    results: Sequence[CheckResult],
    compared: Mapping[str, Sequence[Comparison]],
    workspace: Workspace | None,
    words: Words,
) -> str:
    own = {}
    if workspace is not None:
        infos = workspace.layers()
        own = {
            layer: Own(infos[layer], workspace.layer(layer, version=version))
            for layer, version in opened.own_versions.items()
            if layer in infos
        }
    asked = Asked(
        pack=os.environ.get(PACK_VARIABLE, ""),
        workspace="" if workspace is None else workspace.path.name,
        lang=words.lang,
    )
    made = datetime.now(UTC).isoformat(timespec="seconds")
    record = run_record(
        opened.pack, opened.plan, results, asked=asked, made=made, own=own, compared=compared
    )
    return json.dumps(record, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
