"""Precision, recall, density and coverage: the overlap of two sets of features by nearest neighbours.

Precision and recall: Kynkäänniemi et al., NeurIPS 2019, arXiv 1904.06991, eq. 1 and 2. Density and coverage: Naeem et al.,
ICML 2020, arXiv 2002.09797, eq. 2 and 3. A feature's ball reaches to its k-th nearest neighbour within its own set.
"""

import torch
from torch import Tensor

NEIGHBOURS = 5


def manifold_scores(generated: Tensor, real: Tensor, k: int = NEIGHBOURS) -> dict[str, float]:
    """Return the four scores of feature matrices n × d and m × d by name.

    ``precision``: share of generated features inside any real ball, 0 … 1. ``recall``: share of real features inside any
    generated ball, 0 … 1. ``density``: mean number of real balls around a generated feature over k, from 0 on, about 1
    for equal sets. ``coverage``: share of real balls with a generated feature inside, 0 … 1; its expectation for equal
    sets depends on n, m and k. Needs n, m > k.
    """
    generated, real = generated.double(), real.double()
    between = torch.cdist(generated, real)  # n × m
    of_real, of_generated = _reach(real, k), _reach(generated, k)
    inside = between <= of_real
    return {
        "precision": inside.any(1).double().mean().item(),
        "recall": (between <= of_generated[:, None]).any(0).double().mean().item(),
        "density": inside.double().sum(1).mean().item() / k,
        "coverage": inside.any(0).double().mean().item(),
    }


def _reach(features: Tensor, k: int) -> Tensor:
    """Return the distance of every feature to its k-th nearest neighbour in the same set."""
    return torch.cdist(features, features).kthvalue(k + 1, dim=1).values
