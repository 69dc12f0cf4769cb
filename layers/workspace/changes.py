"""The history of a workspace: who changed what when, and which change undo and redo are about."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from layers.problem import PlanmapError, Problem
from layers.text import Language

Kind = Literal["layer", "setting"]
Action = Literal["saved", "removed", "undone", "redone"]
State = Literal["present", "absent", "dropped"]


@dataclass(frozen=True, slots=True)
class Change:
    """One version of one item.

    `n` counts all changes of the workspace from 1. `item` is the id of the layer or the key of
    the setting, `replaced` the version of the same item that this one took the place of, None
    where there was none. `target` is the change that an undo took back or a redo made again.
    `state` says what the item is since then: "present", "absent" (removed), or "dropped", where
    `compact` has thrown the contents away and only this line is left.
    """

    n: int
    kind: Kind
    item: str
    action: Action
    state: State
    replaced: int | None
    target: int | None
    time: datetime
    author: str


@dataclass(frozen=True, slots=True)
class Steps:
    """The change that the next undo would take back and the one that redo would make again."""

    undo: Change | None
    redo: Change | None


class ConflictError(PlanmapError):
    """Somebody else has changed what is about to be saved; nothing was written.

    `theirs` is their change. To keep mine nonetheless, save again with `seen=theirs.n`: theirs
    stays in the history as the version that mine replaced.
    """

    def __init__(self, theirs: Change, *, seen: int | None, where: str) -> None:
        self.theirs = theirs
        self.seen = seen
        moment = f"{theirs.time:%Y-%m-%d %H:%M} UTC"
        who = theirs.author
        known = f"version {seen}" if seen is not None else "none"
        self.problem = Problem(
            where,
            "",
            "conflict",
            f"{theirs.kind} '{theirs.item}' was {theirs.action} by {who or 'another session'} at"
            f" {moment} (version {theirs.n}, you had seen {known}); keep theirs, or save yours as"
            " a new version over it",
            zh=f"{_KINDS[theirs.kind]}“{theirs.item}”已由{who or '另一会话'}于 {moment}"
            f"{_ACTIONS[theirs.action]}（第 {theirs.n} 版，您看到的是"
            f"{f'第 {seen} 版' if seen is not None else '无此项'}）；"
            "请保留对方的版本，或将您的版本作为新版本保存",
        )
        super().__init__(str(self.problem))

    def in_(self, lang: Language) -> str:
        """Return the line in a language."""
        return self.problem.in_(lang)


_KINDS: dict[Kind, str] = {"layer": "图层", "setting": "设置"}
_ACTIONS: dict[Action, str] = {
    "saved": "保存",
    "removed": "移除",
    "undone": "撤销",
    "redone": "重做",
}


def steps(changes: Iterable[Change]) -> Steps:
    """Find what undo and redo would do, from the history in order.

    An undo takes back the last change that is not yet taken back, whoever made it; a new change
    after an undo ends what could be redone, as in any editor. A change whose contents, or the
    contents before it, were dropped can be neither.
    """
    by_number: dict[int, Change] = {}
    done: list[Change] = []
    undone: list[Change] = []
    for change in changes:
        by_number[change.n] = change
        if change.action == "undone":
            if done and done[-1].n == change.target:
                undone.append(done.pop())
        elif change.action == "redone":
            if undone and undone[-1].n == change.target:
                undone.pop()
                done.append(change)
        else:
            done.append(change)
            undone.clear()
    last = done[-1] if done else None
    if last is not None and last.replaced is not None:
        before = by_number.get(last.replaced)
        if before is None or before.state == "dropped":
            last = None
    again = undone[-1] if undone and undone[-1].state != "dropped" else None
    return Steps(undo=last, redo=again)
