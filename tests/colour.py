"""Colour difference as eyes see it, those with deuteranopia and protanopia too."""

from collections.abc import Sequence
from math import atan2, cos, degrees, exp, hypot, radians, sin, sqrt

import numpy as np
from numpy.typing import NDArray

Lab = tuple[float, float, float]

# Machado, Oliveira & Fernandes 2009, severity 1.0, on linear sRGB.
VISIONS = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
}
_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_WHITE = (0.95047, 1.0, 1.08883)


def over_white(colour: str, opacity: float) -> NDArray[np.float64]:
    """Blend `#rrggbb` with white paper; sRGB from 0 to 1."""
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return rgb * opacity + (1 - opacity)


def lab(rgb: NDArray[np.float64], vision: str = "normal") -> Lab:
    """CIE L*a*b* (D65) of an sRGB colour as a vision sees it."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(VISIONS[vision] @ linear, 0, 1)
    x, y, z = (
        cube ** (1 / 3) if cube > 216 / 24389 else (24389 / 27 * cube + 16) / 116
        for cube in (part / white for part, white in zip(_TO_XYZ @ seen, _WHITE, strict=True))
    )
    return float(116 * y - 16), float(500 * (x - y)), float(200 * (y - z))


def ciede2000(one: Sequence[float], other: Sequence[float]) -> float:
    """CIEDE2000 after Sharma, Wu & Dalal 2005, with all weights 1."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean_c = (hypot(a1, b1) + hypot(a2, b2)) / 2
    g = 0.5 * (1 - sqrt(mean_c**7 / (mean_c**7 + 25**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = hypot(a1, b1), hypot(a2, b2)
    h1, h2 = degrees(atan2(b1, a1)) % 360, degrees(atan2(b2, a2)) % 360
    dh = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    d_l, d_c, d_h = l2 - l1, c2 - c1, 2 * sqrt(c1 * c2) * sin(radians(dh) / 2)
    l_, c_ = (l1 + l2) / 2, (c1 + c2) / 2
    if c1 * c2 == 0:
        h_ = h1 + h2
    else:
        h_ = (h1 + h2) / 2 if abs(h1 - h2) <= 180 else ((h1 + h2 + 360) / 2) % 360
    t = (
        1
        - 0.17 * cos(radians(h_ - 30))
        + 0.24 * cos(radians(2 * h_))
        + 0.32 * cos(radians(3 * h_ + 6))
        - 0.20 * cos(radians(4 * h_ - 63))
    )
    s_l = 1 + 0.015 * (l_ - 50) ** 2 / sqrt(20 + (l_ - 50) ** 2)
    s_c, s_h = 1 + 0.045 * c_, 1 + 0.015 * c_ * t
    turn = 60 * exp(-(((h_ - 275) / 25) ** 2))
    r_t = -sin(radians(turn)) * 2 * sqrt(c_**7 / (c_**7 + 25**7))
    l_part, c_part, h_part = d_l / s_l, d_c / s_c, d_h / s_h
    return sqrt(l_part**2 + c_part**2 + h_part**2 + r_t * c_part * h_part)
