"""Fréchet distance between two sets of features (FID; Heusel et al., NeurIPS 2017, arXiv 1706.08500, eq. 6)."""

import torch
from torch import Tensor


def frechet_distance(first: Tensor, second: Tensor) -> float:
    """Return |μ₁ − μ₂|² + tr Σ₁ + tr Σ₂ − 2 tr (Σ₁Σ₂)^½ of two feature matrices, n × d and m × d, in float64.

    0 for equal sets; biased upwards for small n, so only values with the same n compare. Needs n, m ≥ 2.
    """
    first, second = first.double(), second.double()
    mean = first.mean(0) - second.mean(0)
    one = (first - first.mean(0)) / (len(first) - 1) ** 0.5
    two = (second - second.mean(0)) / (len(second) - 1) ** 0.5
    distance = mean.square().sum() + one.square().sum() + two.square().sum() - 2 * _trace_of_root(one, two)
    return max(distance.item(), 0.0)


def _trace_of_root(one: Tensor, two: Tensor) -> Tensor:
    """Return tr (Σ₁Σ₂)^½ where Σ = XᵀX for centred, scaled X.

    Its eigenvalues are the squared singular values of X₁X₂ᵀ. With fewer images than features that matrix is the
    smaller one; otherwise they are the eigenvalues of the symmetric Σ₁^½ Σ₂ Σ₁^½.
    """
    if min(len(one), len(two)) < one.shape[1]:
        return torch.linalg.matrix_norm(one @ two.T, "nuc")
    values, vectors = torch.linalg.eigh(one.T @ one)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    return torch.linalg.eigvalsh(root @ (two.T @ two) @ root).clamp(min=0).sqrt().sum()
