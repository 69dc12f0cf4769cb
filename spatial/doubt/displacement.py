"""Points displaced as their accuracy lets them be off, and where they then reach a network."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from spatial.doubt.band import accuracies
from spatial.geometry.lattice import Floats, Integers
from spatial.measurement import RADIUS_68, Points
from spatial.network.graph import Network
from spatial.network.snap import snap
from spatial.network.walk import Located, locate

_FARTHEST = 4.0
"""Standard deviations along an axis beyond which 3 of 10 000 displacements lie."""


@dataclass(frozen=True, slots=True)
class Movable:
    """Points as drawn, with where they reach a network, and how far off they may lie.

    `feature` numbers the features that the points belong to in order of their ids, `sigma_m` is
    the standard deviation of where each point may lie, along each axis.
    """

    drawn: Located
    xy: Floats
    feature: Integers
    sigma_m: Floats

    @classmethod
    def of(cls, points: Points, network: Network, snap_limit_m: float) -> "Movable":
        """Find where points reach a network; those with the same id are of one feature."""
        _, feature = np.unique(np.asarray(points.index, dtype=str), return_inverse=True)
        return cls(
            drawn=locate(points, network, snap_limit_m),
            xy=shapely.get_coordinates(points.geometry.to_numpy()),
            feature=feature,
            sigma_m=accuracies(points) / RADIUS_68,
        )

    def on_network(self) -> "Movable":
        """Those of the points that reach the network as drawn."""
        rows = np.flatnonzero(self.drawn.at.found)
        _, feature = np.unique(self.feature[rows], return_inverse=True)
        return Movable(self.drawn.take(rows), self.xy[rows], feature, self.sigma_m[rows])

    def displaced(self, random: np.random.Generator) -> Floats:
        """Where the points may lie: all of one feature are off alike.

        Along each axis normally, so that 68 % lie within the accuracy; in order of the features'
        ids, so that the order of rows is irrelevant.
        """
        shift = random.standard_normal((int(self.feature.max(initial=-1)) + 1, 2))[self.feature]
        xy: Floats = self.xy + shift * self.sigma_m[:, None]
        return xy

    def located(self, network: Network, limit_m: float, random: np.random.Generator) -> Located:
        """Where the points reach the network if they are displaced.

        Who does not reach it as drawn never does; who lies where drawn need not be sought again.
        """
        xy, at = self.displaced(random), self.drawn.at
        rows = np.flatnonzero((self.sigma_m > 0) & at.found)
        return Located(self.drawn.ids, at.replaced(rows, snap(xy[rows], network, limit_m)))


def simulated(
    homes: Movable,
    facilities: Sequence[Movable],
    network: Network,
    *,
    snap_limit_m: float,
    draws: int,
    seed: int,
) -> Iterator[tuple[Located, list[Located]]]:
    """Tell again and again where homes, and facilities of several kinds, reach a network.

    What reaches it as drawn, within `snap_limit_m`, does so wherever it lies; what does not never
    does. Equal seeds give equal draws.
    """
    random = np.random.default_rng(seed)
    on = [some.on_network() for some in facilities]
    farthest_m = _FARTHEST * max(float(some.sigma_m.max(initial=0.0)) for some in (homes, *on))
    for _ in range(draws):
        moved = homes.located(network, snap_limit_m + farthest_m, random)
        yield moved, [some.located(network, snap_limit_m + farthest_m, random) for some in on]
