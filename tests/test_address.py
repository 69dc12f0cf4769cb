"""What a shared address brings, and whose setting it is."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from layers.workspace.location import Workspaces
from views.session import PACK_VARIABLE

APP = Path(__file__).resolve().parent.parent / "app.py"
RADIUS = "param.coverage.radius_m"


@pytest.fixture
def workspaces(tmp_path: Path, tiny_pack: Path, monkeypatch: pytest.MonkeyPatch) -> Workspaces:
    """The workspaces of a server of the tiny pack."""
    folder = tmp_path / "workspaces"
    monkeypatch.setenv("PLANMAP_WORKSPACES", str(folder))
    monkeypatch.setenv(PACK_VARIABLE, str(tiny_pack))
    return Workspaces(folder)


@pytest.fixture
def follow(workspaces: Workspaces) -> Callable[..., AppTest]:
    """Follow a link, as a planner who has set a radius of 800 m, or as one who has set nothing."""

    def opener(*, own: float | None = None, **parts: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=60)
        if own is not None:
            token, workspace = workspaces.new_anonymous("own")
            workspace.save_setting(RADIUS, own, seen=None, author="")
            app.session_state["visitor.token"] = token
        for name, value in parts.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return opener


def kept(workspaces: Workspaces, app: AppTest) -> object:
    """The radius that stands in the planner's workspace."""
    if "visitor.token" not in app.session_state:
        return None
    workspace = workspaces.anonymous(app.session_state["visitor.token"])
    found = {} if workspace is None else workspace.settings()
    return found[RADIUS].value if RADIUS in found else None


def radius(app: AppTest) -> float:
    return float(app.number_input(key=RADIUS).value or 0)


def notes(app: AppTest) -> str:
    return "\n".join(block.proto.body for block in app.get("html") if "链接" in block.proto.body)


def written(app: AppTest, part: str) -> dict[str, str]:
    """What the browser is told to write into the address."""
    found = [
        json.loads(block.proto.json)["parts"]
        for block in app.get("bidi_component")
        if block.proto.id.endswith(f"-address.{part}")
    ]
    parts: dict[str, str] = found[0]
    return parts


def test_a_link_holds_for_this_visit_and_leaves_the_recipients_setting_alone(
    follow: Callable[..., AppTest], workspaces: Workspaces
) -> None:
    app = follow(own=800.0, check="coverage", radius_m="300")
    assert radius(app) == 300
    assert "链接用的是 300，您自己的是 800" in notes(app)
    assert kept(workspaces, app) == 800
    app.run()
    assert (radius(app), kept(workspaces, app)) == (300, 800)


def test_one_click_goes_back_to_ones_own(
    follow: Callable[..., AppTest], workspaces: Workspaces
) -> None:
    app = follow(own=800.0, check="coverage", radius_m="300")
    app.button(key="link.use_mine").click().run()
    assert (radius(app), kept(workspaces, app), notes(app)) == (800, 800, "")
    assert written(app, "map")["radius_m"] == "800"


def test_what_a_link_brings_is_kept_once_it_is_taken_over(
    follow: Callable[..., AppTest], workspaces: Workspaces
) -> None:
    app = follow(own=800.0, check="coverage", radius_m="300")
    app.button(key="link.take_over").click().run()
    assert (radius(app), kept(workspaces, app), notes(app)) == (300, 300, "")


def test_a_change_of_what_a_link_brought_is_ones_own_even_back_to_the_links(
    follow: Callable[..., AppTest], workspaces: Workspaces
) -> None:
    app = follow(own=800.0, check="coverage", radius_m="300")
    app.number_input(key=RADIUS).set_value(400).run()
    assert (kept(workspaces, app), notes(app)) == (400, "")
    app.number_input(key=RADIUS).set_value(300).run()
    assert (kept(workspaces, app), notes(app)) == (300, "")


def test_a_link_to_a_target_as_the_plan_has_it_shows_it_so(
    follow: Callable[..., AppTest], workspaces: Workspaces
) -> None:
    app = follow(own=800.0, check="coverage")
    assert radius(app) == 500  # the plan's own
    assert "链接用的是 500，您自己的是 800" in notes(app)
    assert kept(workspaces, app) == 800


def test_who_has_set_nothing_is_told_of_the_default_and_gets_no_workspace(
    follow: Callable[..., AppTest], workspaces: Workspaces
) -> None:
    app = follow(check="coverage", radius_m="300")
    assert "您自己的是默认的 500" in notes(app)
    assert kept(workspaces, app) is None


@pytest.mark.parametrize("check", ["coverage", "green"])
def test_looking_at_a_target_sets_nothing(
    follow: Callable[..., AppTest], workspaces: Workspaces, check: str
) -> None:
    app = follow(own=800.0, check=check)
    workspace = workspaces.anonymous(app.session_state["visitor.token"])
    assert workspace is not None
    assert list(workspace.settings()) == [RADIUS]


def test_nothing_is_said_of_a_link_that_measures_as_the_planner_does(
    follow: Callable[..., AppTest],
) -> None:
    assert notes(follow(own=300.0, check="coverage", radius_m="300")) == ""
    assert notes(follow(check="coverage")) == ""


@pytest.mark.parametrize("wrong", ["-5", "0", "nan", "1e99", "far"])
def test_a_number_that_the_measure_refuses_is_passed_over(
    follow: Callable[..., AppTest], wrong: str
) -> None:
    app = follow(check="coverage", radius_m=wrong)
    assert radius(app) == 500
    assert notes(app) == ""


def test_the_browser_writes_the_address_and_each_part_only_where_it_is_not_the_packs(
    follow: Callable[..., AppTest],
) -> None:
    app = follow(check="coverage", radius_m="300", lang="en")
    parts = written(app, "map")
    assert (parts["check"], parts["radius_m"], parts["on"]) == ("coverage", "300", "")
    assert written(app, "language") == {"lang": "en"}
    app.number_input(key=RADIUS).set_value(500).run()
    assert written(app, "map")["radius_m"] == ""
