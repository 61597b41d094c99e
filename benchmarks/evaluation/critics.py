"""How well critics tell adapted from real images, and whether the last critic forgets what earlier adapters painted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.evaluation.evaluator import OF_CRITIC, Evaluator, adapted, fixed_subset
from benchmarks.evaluation.promises import Diverged
from benchmarks.evaluation.snapshots import Snapshot
from benchmarks.scores.ranks import area_under_roc
from datasets.contract import Labelled, to_unit
from datasets.sealing import closed
from methods.contract import Verdict

MAX_JUDGED = 1000  # images of either kind
NO_CRITIC = "the method has no critic of adapted images"
ONE_SNAPSHOT = "the run has one snapshot, so no earlier images"


@dataclass(frozen=True, kw_only=True)
class CriticScores:
    """The scores of a run's critics: ``values`` and ``blanks`` as in a record, and the scores of each snapshot."""

    values: Mapping[str, float | None]
    blanks: Mapping[str, str]
    by_snapshot: Sequence[Mapping[str, float]]


def critic_scores(evaluator: Evaluator, snapshots: Sequence[Snapshot], seed: int) -> CriticScores:
    """Return the AUC of every snapshot's critic on what its own adapter paints, and the forgetting of the last critic.

    All are judged against the same real images of the target's training split.
    """
    found = [
        (one.verdict, adapted(one.adapter, _some_source(evaluator), seed).images)
        for one in snapshots
        if one.verdict is not None and one.adapter is not None
    ]
    if not found:
        nothing = dict.fromkeys(OF_CRITIC)
        return CriticScores(
            values=nothing, blanks=dict.fromkeys(OF_CRITIC, NO_CRITIC), by_snapshot=[{}] * len(snapshots)
        )
    target = evaluator.pair.target
    real = target[fixed_subset(len(target), MAX_JUDGED).to(target.device)]
    own = [area_under_roc(judged(verdict, images), judged(verdict, real)) for verdict, images in found]
    last, (*earlier, _) = found[-1][0], [images for _, images in found]
    seen = judged(last, real)
    past = [area_under_roc(judged(last, images), seen) for images in earlier]
    forgetting = own[-1] - sum(past) / len(past) if past else None
    return CriticScores(
        values={"critic_auc": own[-1], "forgetting": forgetting},
        blanks={} if past else {"forgetting": ONE_SNAPSHOT},
        by_snapshot=[{"critic_auc": auc} for auc in own],
    )


@closed()
@torch.inference_mode()
def judged(verdict: Verdict, images: Tensor, batch: int = 256) -> Tensor:
    """Return the verdicts on images (uint8, N × C × H × W) of one kind: N numbers, the higher the more adapted they look.

    Raises :class:`~benchmarks.evaluation.promises.Diverged` for verdicts that are not finite: they would have ranks too.
    """
    verdicts = torch.cat([verdict(to_unit(part)) for part in images.split(batch)])
    if not verdicts.isfinite().all():
        raise Diverged("the critic's verdicts are not finite")
    return verdicts


def _some_source(evaluator: Evaluator) -> Labelled:
    source = evaluator.source
    return source.pick(fixed_subset(len(source), MAX_JUDGED).to(source.images.device))
