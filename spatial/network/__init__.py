"""Walking along a network of lines: distances from stops, and what lies within reach of them."""

from spatial.network.graph import Network, Walkways
from spatial.network.noding import walking_network
from spatial.network.service import service_area, service_lines
from spatial.network.walk import Walk, network_distance

__all__ = [
    "Network",
    "Walk",
    "Walkways",
    "network_distance",
    "service_area",
    "service_lines",
    "walking_network",
]
