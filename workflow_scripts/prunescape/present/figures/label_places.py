"""Where names stand beside the points of a figure, so that they cover neither each other nor a point."""

import numpy as np

DISTANCES = (5, 10, 16, 24, 34, 46)  # from a point to the edge of its name, in the unit of places
DIRECTIONS = np.array([(1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1), (-1, 0), (0, 1), (0, -1)], dtype=float)
Box = np.ndarray  # left, lower, right, upper


def place_labels(points: np.ndarray, sizes: np.ndarray, lines: np.ndarray, area: Box, radius: float) -> np.ndarray:
    """(n, 2) the centres of names of the `sizes` (n, 2) beside the `points` (n, 2), all in one unit.

    Each name takes the nearest place inside the `area` at which it covers no point, whose marks have the `radius`, none
    of the `lines` (k, 4), boxes too, and no name before it; where there is none, the place at which it covers least.
    The same input gives the same places.
    """
    marks = np.column_stack([points - radius, points + radius])
    taken: list[Box] = list(lines)
    centres = np.empty_like(points, dtype=float)
    for number in np.lexsort((points[:, 0], -points[:, 1])):
        candidates = _candidates(points[number], sizes[number], radius)
        boxes = np.column_stack([candidates - sizes[number] / 2, candidates + sizes[number] / 2])
        covered = np.array([_covered(box, np.array([*marks, *taken])) + _outside(box, area) for box in boxes])
        best = int(covered.argmin())
        centres[number] = candidates[best]
        taken.append(boxes[best])
    return centres


def _candidates(point: np.ndarray, size: np.ndarray, radius: float) -> np.ndarray:
    """(m, 2) centres of a name around a point, the nearest first."""
    far = np.repeat(np.array(DISTANCES), len(DIRECTIONS))[:, None] + radius - 3
    ways = np.tile(DIRECTIONS, (len(DISTANCES), 1))
    return point + ways * (size / 2 + np.where(ways.all(axis=1, keepdims=True), 0.5 * far, far))


def _covered(box: Box, others: np.ndarray) -> float:
    """The area that a box shares with others (k, 4)."""
    shared = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    return float(np.prod(np.clip(shared, 0, None), axis=1).sum())


def _outside(box: Box, area: Box) -> float:
    """The area of a box beyond another."""
    inside = np.clip(np.minimum(box[2:], area[2:]) - np.maximum(box[:2], area[:2]), 0, None)
    return float(np.prod(box[2:] - box[:2]) - np.prod(inside))
