"""How close a set of images is to real images, by every score on two matrices of features."""

from collections.abc import Mapping

from torch import Tensor

from benchmarks.scores.frechet import frechet_distance, frechet_interval, frechet_limit
from benchmarks.scores.kernel import kernel_distance, kernel_interval
from benchmarks.scores.manifold import manifold_scores
from benchmarks.scores.sliced import sliced_distance


def realism(generated: Tensor, real: Tensor) -> dict[str, float]:
    """Return the scores of feature matrices n × d and m × d by name, as in the catalogue of scores."""
    return {
        "fid": frechet_distance(generated, real),
        "fid_limit": frechet_limit(generated, real),
        "kid": kernel_distance(generated, real),
        "mind": sliced_distance(generated, real),
        **manifold_scores(generated, real),
    }


def intervals(generated: Tensor, real: Tensor) -> Mapping[str, tuple[float, float]]:
    """Return the 95 % intervals over images of the scores that have one, low and high by name."""
    return {"fid": frechet_interval(generated, real), "kid": kernel_interval(generated, real)}
