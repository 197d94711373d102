"""Mean and standard deviation of pixel values, summed up exactly image by image."""

import math

import numpy as np


class ChannelStatistics:
    """Per-channel mean and standard deviation (1/n) of uint8 images, of pixel values scaled to 0..1.

    Sums of whole numbers are exact, so the result has no rounding but that of the last division.
    """

    def __init__(self, channels: int) -> None:
        self.pixels = 0
        self.sums, self.squares = [0] * channels, [0] * channels

    def add(self, images: np.ndarray) -> None:
        """Take `images`, uint8 (n, channels, height, width), in."""
        self.pixels += images.size // images.shape[1]
        sums = np.einsum("nchw->c", images, dtype=np.int64)
        squares = np.einsum("nchw,nchw->c", images, images, dtype=np.int64)
        self.sums = [total + int(part) for total, part in zip(self.sums, sums, strict=True)]
        self.squares = [total + int(part) for total, part in zip(self.squares, squares, strict=True)]

    def mean_and_std(self) -> tuple[list[float], list[float]]:
        """Both per channel, of all images taken in so far."""
        scale, totals = 255 * self.pixels, list(zip(self.sums, self.squares, strict=True))
        mean = [total / scale for total, _ in totals]
        std = [math.sqrt((self.pixels * square - total**2) / scale**2) for total, square in totals]
        return mean, std
