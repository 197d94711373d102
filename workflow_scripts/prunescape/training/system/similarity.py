"""Whether a training's profile is like one in the store (pipetune2020, 5.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

Profile = Mapping[str, float]
FEWEST = 4  # profiles: with fewer there are no two clusters of two
MOST_CLUSTERS = 8
NEAR = 95.0  # percentile of the members' distances to their centroid
STARTS = 10  # of k-means


@dataclass(frozen=True)
class Similar:
    """The known profile that is `nearest` among those of the nearest of so many `clusters`.

    `distance` is that of the new profile to the cluster's centroid, in standard deviations over the store; it is near
    when that is at most `limit`. (The paper compares it with the inertia, which is a sum over all profiles.)
    """

    nearest: str
    clusters: int
    distance: float
    limit: float

    @property
    def near(self) -> bool:
        """Whether what is known of the nearest one may be taken over."""
        return self.distance <= self.limit

    def content(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {"near": self.near}


def most_similar(known: Mapping[str, Profile], profile: Profile) -> Similar | None:
    """Where `profile` lies among the `known` ones, by their keys; None where these are too few or share no feature.

    Features that all share are standardised over the known profiles. k-means with k from 2 on, the k of the largest
    silhouette.
    """
    names = sorted(set(profile).intersection(*known.values())) if known else []
    if len(known) < FEWEST or not names:
        return None
    keys = sorted(known)
    table = np.array([[known[key][name] for name in names] for key in keys])
    centre, spread = table.mean(0), table.std(0)
    spread[spread == 0] = 1.0
    table, own = (table - centre) / spread, (np.array([profile[name] for name in names]) - centre) / spread
    found = _clusters(table)
    if found is None:
        return None
    centroids, labels = found
    nearest = int(np.linalg.norm(centroids - own, axis=1).argmin())
    members = np.flatnonzero(labels == nearest)
    distances = np.linalg.norm(table[members] - centroids[nearest], axis=1)
    closest = members[np.linalg.norm(table[members] - own, axis=1).argmin()]
    distance = float(np.linalg.norm(own - centroids[nearest]))
    return Similar(keys[closest], len(centroids), distance, float(np.percentile(distances, NEAR)))


def _clusters(table: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The centroids and labels of the k-means with the largest silhouette; None where all rows are equal."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    best, found = -np.inf, None
    different = len(np.unique(table, axis=0))
    for count in range(2, min(different, len(table) - 1, MOST_CLUSTERS) + 1):
        fitted = KMeans(count, n_init=STARTS, random_state=0).fit(table)
        score = silhouette_score(table, fitted.labels_)
        if score > best:
            best, found = score, (fitted.cluster_centers_, fitted.labels_)
    return found
