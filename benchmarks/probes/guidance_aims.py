"""What does GGDR's decoder reach, against answers that look at no image, and against aims that say nothing of the refiner?"""

from collections.abc import Iterator
from typing import cast

import torch

from benchmarks.probes.probe import Probe, Row
from benchmarks.running.batches import Batches
from datasets.catalogue import load_pair
from methods.contract import Problem
from methods.parts.guidance import GGDR
from methods.recipes import configure

ROWS = (
    ("simgan-ggdr", "fonts-digits", 16),
    ("simgan-ggdr", "digits-photos", 8),
    ("pixelda-ggdr", "digits-photos", 8),
)
AIMS = {
    "features": "",
    "features, not centred": "[guidance.centred=false]",
    "shuffled": "[guidance.aims=shuffled]",
    "random network": "[guidance.aims=random-network]",
    "input": "[guidance.aims=input]",
}
TERMS = {"reached": "guidance", "constant": "guidance constant floor", "place": "guidance place floor"}
STEPS, QUICK_STEPS = (20, 50, 100), (2, 4)
AVERAGED = 10  # steps, up to the one that is named


def measure(seed: int, quick: bool) -> Iterator[Row]:
    """Yield 1 − cosine of the decoder and of both image-blind answers, for every row, pair, kind of aims and step."""
    steps = QUICK_STEPS if quick else STEPS
    for row, name, batch in ROWS:
        pair = load_pair(name)
        problem = Problem(shape=pair.shape, task=pair.task, batch=batch, steps=steps[-1])
        for aims, changes in AIMS.items():
            config = configure(row + changes, "smoke" if quick else "small")
            weight = cast(GGDR, config.guidance).weight  # type: ignore[attr-defined]
            method, batches = config.build(problem, torch.device("cpu"), seed), Batches(pair, batch, seed)
            method.pretrain(batches)
            curve = [{k: float(v) for k, v in method.step(batches).items()} for _ in range(steps[-1])]
            for step in steps:
                last = curve[max(0, step - AVERAGED) : step]
                means = {k: sum(terms[t] for terms in last) / len(last) / weight for k, t in TERMS.items()}
                yield {"row": row, "pair": name, "aims": aims, "step": step, **means}


PROBE = Probe(
    name="guidance-aims",
    question="How near does GGDR's decoder come to its aims, as 1 − cosine, and how near do answers that look at no image?",
    cases={"row": "row", "pair": "pair", "aims": "aims", "step": "step"},
    values={"reached": "decoder", "constant": "best constant vector", "place": "best vector a place"},
    measure=measure,
)
