"""The kernel of a surface: scikit-learn's, each over its own columns."""

import numpy as np
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, Sum, WhiteKernel

# in units of the variance of z, and of an axis' standard deviation over its trained values. Half a step of a grid is
# the shortest length that its points can tell from noise; at twenty deviations an axis has no influence
VARIANCES = (1e-2, 1e2)
LENGTHS = (0.2, 20.0)
# exp(-1 / length²) is the correlation of two variants: .0003 to .997
VARIANT_LENGTHS = (0.35, 20.0)
NOISES = (1e-6, 1.0)


class SettingKernel(Matern):
    """Matérn 5/2 over the first columns, as many as it has length scales."""

    def __call__(self, X, Y=None, eval_gradient=False):
        count = len(self.length_scale)
        return super().__call__(X[:, :count], None if Y is None else Y[:, :count], eval_gradient)


class VariantKernel(RBF):
    """RBF over the one-hot code of the last column, the number of a variant."""

    def __call__(self, X, Y=None, eval_gradient=False):
        size = int(max(each[:, -1].max() for each in (X, Y) if each is not None)) + 1
        codes = [None if each is None else np.eye(size)[each[:, -1].astype(int)] for each in (X, Y)]
        return super().__call__(*codes, eval_gradient)


def surface_kernel(axes: int, variants: int) -> Sum:
    """C · Matérn 5/2 (a length scale per axis) · RBF (one-hot variant) + white noise; a lone variant has no RBF.

    Rows are coordinates on the `axes`, then a variant's number.
    """
    signal = ConstantKernel(1.0, VARIANCES) * SettingKernel(np.ones(axes), LENGTHS, nu=2.5)
    if variants > 1:
        signal = signal * VariantKernel(1.0, VARIANT_LENGTHS)
    return signal + WhiteKernel(0.05, NOISES)
