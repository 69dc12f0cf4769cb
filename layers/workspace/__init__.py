"""The workspace: one SQLite file that keeps what a planner loaded, mapped and set."""

from layers.workspace.changes import Change, ConflictError, Steps
from layers.workspace.location import FOLDER_VARIABLE, SUFFIX, Workspaces, default_folder
from layers.workspace.records import Original, Setting, StoredLayer, StoredLayerInfo
from layers.workspace.store import Workspace, create_workspace, open_workspace

__all__ = [
    "FOLDER_VARIABLE",
    "SUFFIX",
    "Change",
    "ConflictError",
    "Original",
    "Setting",
    "Steps",
    "StoredLayer",
    "StoredLayerInfo",
    "Workspace",
    "Workspaces",
    "create_workspace",
    "default_folder",
    "open_workspace",
]
