"""Losses that make the features of two domains alike: adversarial (DANN), by kernels (MMD), by covariances (CORAL).

The features are those of the task tower's first hidden layer, N × d for either domain.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mistakes import UserMistake

# fmt: off
BANDWIDTHS = (
    1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 100.0, 1e3, 1e4, 1e5, 1e6,
)
# fmt: on


@dataclass(frozen=True, kw_only=True)
class DomainConfusion:
    """DANN (Ganin et al., JMLR 2016, arXiv 1505.07818): features from which a classifier cannot tell the domain.

    The classifier has one hidden layer of ``hidden`` units and learns to tell target (1) from source (0). Its gradient
    reaches the features with the opposite sign.
    """

    hidden: int = 100

    def __post_init__(self) -> None:
        if self.hidden < 1:
            raise UserMistake(f"alignment.hidden is {self.hidden}; allowed: an integer from 1 on.")

    def over(self, features: int) -> nn.Module:
        """Return the loss with its domain classifier."""
        return DomainClassifier(features, self.hidden)


@dataclass(frozen=True, kw_only=True)
class KernelDiscrepancy:
    """MMD (Long et al., ICML 2015; kernels of the DSN release): squared distance of mean embeddings, 19 RBF kernels."""

    def over(self, features: int) -> nn.Module:
        """Return the loss; it has no parameters."""
        return MeanDiscrepancy()


@dataclass(frozen=True, kw_only=True)
class CovarianceAlignment:
    """Deep CORAL (Sun and Saenko, 2016, arXiv 1607.01719): equal covariances of the features."""

    def over(self, features: int) -> nn.Module:
        """Return the loss; it has no parameters."""
        return CovarianceDistance()


class DomainClassifier(nn.Module):
    """The domain classifier of :class:`DomainConfusion` behind a gradient reversal."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(features, hidden)
        self.output = nn.Linear(hidden, 1)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Return the mean cross-entropy of the domain; the features receive the negated gradient."""
        logits = self.output(F.relu(self.hidden(Reversal.apply(torch.cat([source, target])))))[:, 0]
        of_source, of_target = logits.split([len(source), len(target)])
        return (F.softplus(of_source).mean() + F.softplus(-of_target).mean()) / 2


class Reversal(torch.autograd.Function):
    """The identity whose gradient is negated (1505.07818, eq. 16 and 17)."""

    @staticmethod
    def forward(context: object, values: Tensor) -> Tensor:
        """Return the values."""
        return values.view_as(values)

    @staticmethod
    def backward(context: object, grad_output: Tensor) -> Tensor:
        """Return the negated gradient."""
        return -grad_output


class MeanDiscrepancy(nn.Module):
    """The biased squared MMD, E k(s, s′) + E k(t, t′) − 2 E k(s, t), at least 1e-4 (no gradient below).

    k sums exp(−|a − b|² / 2σ) over the 19 σ of :data:`BANDWIDTHS`. The floor is the release's and practice never reaches
    it: a point's kernel with itself counts, so 32 and 32 draws from one distribution have a biased value of about 0.66.
    """

    rates: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("rates", torch.tensor(BANDWIDTHS).mul(2).reciprocal(), persistent=False)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Return the loss of two sets of features."""
        both = torch.cat([source, target])
        distances = (both[:, None] - both).square().sum(2)  # |a|² + |b|² − 2ab is too inexact for small σ
        kernel = torch.exp(-distances * self.rates[:, None, None]).sum(0)
        signs = torch.cat(
            [torch.full_like(source[:, 0], 1 / len(source)), torch.full_like(target[:, 0], -1 / len(target))]
        )
        return (signs @ kernel @ signs).clamp(min=1e-4)


class CovarianceDistance(nn.Module):
    """‖C_s − C_t‖²_F / 4d² of the unbiased covariances (1607.01719, eq. 1)."""

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Return the loss of two sets of features."""
        return (covariance(source) - covariance(target)).square().sum() / (4 * source.shape[1] ** 2)


def covariance(features: Tensor) -> Tensor:
    """Return the unbiased covariance, d × d, of features N × d.

    Operations and bits are those of ``torch.cov``, which also waits for the device to check a number.
    """
    centred = (features - features.mean(0)).T
    return centred @ centred.T / (len(features) - 1)


class NoAlignment(nn.Module):
    """No alignment: zero, for free."""

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Return zero."""
        return source.new_zeros(())
