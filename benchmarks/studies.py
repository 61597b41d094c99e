"""The comparisons that are published, a few lines each."""

from benchmarks.study import Study
from mistakes import unknown

STUDIES: dict[str, Study] = {
    study.name: study
    for study in (
        Study(
            name="simgan-ablation",
            about="which ingredient of SimGAN helps, and what PixelDA's and GGDR's add to it",
            pairs=("fonts-digits", "digits-photos"),
            rows=(
                "source-only",
                "simgan",
                "simgan-nohist",
                "simgan-global",
                "simgan-nohist-global",
                "simgan-noreg",
                "simgan-pmse",
                "simgan-feature",
                "simgan-ggdr",
                "target-only",
            ),
            seeds=(0, 1, 2, 3, 4),
        ),
    )
}


def find_study(name: str) -> Study:
    """Return a study by name, or raise :class:`~mistakes.UserMistake`."""
    if name not in STUDIES:
        raise unknown("study", name, STUDIES)
    return STUDIES[name]
