"""Sums over pictures that can be added: moments, and a covariance whose memory is bounded. All float64, in any order.

Parts are added by the pairwise update of Chan, Golub and LeVeque (1983, "Algorithms for computing the sample variance", eq. 2.1),
which never subtracts two large numbers as the sum of squares does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

__all__ = ["DIRECTIONS", "Covariance", "Moments"]

DIRECTIONS = 512  # that a covariance is kept in, at most: 2 MiB of 512 variables, 8 of 2,048


@dataclass(frozen=True)
class Moments:
    """How many values there were, their mean, and the sum of squares around it.

    Attributes:
        count: () for all pictures together, or (k,) for k groups of them.
        mean: of each variable, with the groups in front; 0 where nothing was counted.
        m2: the sum of squared differences from that mean, in the mean's shape.
    """

    count: np.ndarray
    mean: np.ndarray
    m2: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Moments:
        """The moments over the first axis."""
        values = values.astype(np.float64)
        mean = values.sum(axis=0) / max(len(values), 1)
        return cls(np.array(len(values)), mean, np.square(values - mean).sum(axis=0))

    @classmethod
    def by(cls, places: np.ndarray, groups: int, values: np.ndarray) -> Moments:
        """The moments over the first axis of each group: `places` (N,) says which, from 0."""
        flat = values.reshape(len(values), math.prod(values.shape[1:])).astype(np.float64)
        belongs = (places == np.arange(groups)[:, None]).astype(np.float64)  # (k, N)
        count = belongs.sum(axis=1)
        mean = belongs @ flat / np.maximum(count, 1)[:, None]
        shape = (groups, *values.shape[1:])
        m2 = belongs @ np.square(flat - mean[places])
        return cls(count.astype(np.int64), mean.reshape(shape), m2.reshape(shape))

    def __add__(self, other: Moments) -> Moments:
        count = self.count + other.count
        known = np.maximum(_in_front(count, self.mean), 1)
        first, second = _in_front(self.count, self.mean), _in_front(other.count, self.mean)
        mean = (first * self.mean + second * other.mean) / known
        return Moments(count, mean, self.m2 + other.m2 + (first * second / known) * np.square(other.mean - self.mean))

    @property
    def pooled(self) -> Moments:
        """All groups as one."""
        if self.count.ndim == 0:
            return self
        count, groups = self.count.sum(), _in_front(self.count, self.mean)
        mean = (groups * self.mean).sum(axis=0) / max(count, 1)
        return Moments(np.asarray(count), mean, (self.m2 + groups * np.square(self.mean - mean)).sum(axis=0))

    @property
    def spread(self) -> np.ndarray:
        """The standard deviation over the pictures, in the mean's shape; 0 where nothing was counted."""
        return np.asarray(np.sqrt(self.m2 / np.maximum(_in_front(self.count, self.mean), 1)))

    def at(self, places: np.ndarray) -> Moments:
        """The groups at those places alone."""
        return Moments(self.count[places], self.mean[places], self.m2[places])

    def spread_out(self, places: np.ndarray, groups: int) -> Moments:
        """The same groups moved to those places among so many; the others are empty."""
        count, mean, m2 = (np.zeros((groups, *each.shape[1:]), each.dtype) for each in (self.count, self.mean, self.m2))
        count[places], mean[places], m2[places] = self.count, self.mean, self.m2
        return Moments(count, mean, m2)

    def with_groups(self, places: np.ndarray, other: Moments) -> Moments:
        """Another's groups added to those at the places, and the rest unchanged: with many classes, few are in a batch."""
        count, mean, m2 = self.count.copy(), self.mean.copy(), self.m2.copy()
        added = self.at(places) + other
        count[places], mean[places], m2[places] = added.count, added.mean, added.m2
        return Moments(count, mean, m2)


def _in_front(count: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The counts in a shape that multiplies the values of their groups."""
    return count.reshape(count.shape + (1,) * (values.ndim - count.ndim))


@dataclass(frozen=True)
class Covariance:
    """The covariance of D variables, seen in s fixed directions: the axes themselves where s is D, else seeded random ones.

    Covariance x directions is linear in the covariance, so parts add up exactly, and a covariance whose rank is s or less is
    recovered from it exactly (Tropp et al. 2017, "Fixed-rank approximation of a positive-semidefinite matrix from streaming
    data", section 2).

    Attributes:
        count: how many pictures, ().
        mean: of each variable, (D,).
        total: the sum of all squared differences from the mean, ().
        product: sum over the pictures of difference x difference^T x directions, (D, s).
    """

    count: np.ndarray
    mean: np.ndarray
    total: np.ndarray
    product: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, rank: int) -> Covariance:
        """The covariance over the first axis, all other axes together being the D variables; `rank` is known to bound its rank."""
        flat = values.reshape(len(values), math.prod(values.shape[1:])).astype(np.float64)
        mean = flat.sum(axis=0) / max(len(flat), 1)
        centred = flat - mean
        columns = min(2 * rank, len(mean), DIRECTIONS)  # twice: rounding has a rank of its own
        return cls(np.array(len(flat)), mean, np.square(centred).sum(), centred.T @ _along(centred, columns))

    def __add__(self, other: Covariance) -> Covariance:
        count = self.count + other.count
        known = max(int(count), 1)
        mean = (self.count * self.mean + other.count * other.mean) / known
        shift, scale = other.mean - self.mean, self.count * other.count / known
        moved = np.outer(scale * shift, _along(shift, self.product.shape[1]))
        return Covariance(count, mean, self.total + other.total + scale * (shift @ shift), self.product + other.product + moved)

    @property
    def singular_values(self) -> np.ndarray:
        """Those of the centred array (N, D), from the largest: all that are above rounding, s at most."""
        squares = self._squares()
        floor = len(self.mean) * np.finfo(float).eps * squares.max(initial=0)
        return np.asarray(np.sqrt(np.sort(squares[squares > floor])[::-1]))

    def _squares(self) -> np.ndarray:
        """The eigenvalues; of fewer directions, those of the Nystrom approximation (Tropp et al. 2017, eq. 2.1)."""
        variables, columns = self.product.shape
        if columns == variables:
            return np.linalg.eigvalsh((self.product + self.product.T) / 2)
        core = _along(self.product.T, columns)
        values, vectors = np.linalg.eigh((core + core.T) / 2)
        held = values > variables * np.finfo(float).eps * values.max(initial=0)
        roots = self.product @ vectors[:, held] / np.sqrt(values[held])
        return np.asarray(np.square(np.linalg.svd(roots, compute_uv=False)))


def _along(values: np.ndarray, columns: int) -> np.ndarray:
    """The values (..., D) in so many directions, (..., s)."""
    variables = values.shape[-1]
    return values if columns == variables else values @ _directions(variables, columns)


@lru_cache(maxsize=16)  # a network has few widths, and the largest takes a second
def _directions(variables: int, columns: int) -> np.ndarray:
    """So many orthonormal directions, (D, s), the same ones every time."""
    directions = np.linalg.qr(np.random.default_rng(variables).standard_normal((variables, columns))).Q
    directions.flags.writeable = False
    return directions
