"""The published comparisons, a few lines each."""

from pathlib import Path

from benchmarks.studies.study import Study
from benchmarks.studies.study_file import read_study
from datasets.files.toml_form import ENDING
from mistakes import UserMistake, unknown

SIMGAN_ROWS = (
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
)
OLD_SIMGAN = (
    "simgan-global averaged the verdicts of patches, which is no other objective than the local one; GGDR's aims were not "
    "centred; the kind of processor was not recorded"
)
OLD_PIXELDA = (
    "adapters had batch-norm statistics that lag behind the generator; a task model saw one draw of the noise for each image; "
    "two losses of dsn had no effect; the kind of processor was not recorded"
)
STUDIES: dict[str, Study] = {
    study.name: study
    for study in (
        Study(
            name="simgan-ablation",
            about="which ingredient of SimGAN helps, and what PixelDA's and GGDR's add to it",
            pairs=("fonts-digits",),
            rows=SIMGAN_ROWS,
            seeds=(2, 3, 4, 5, 6, 7),  # the scale's settings were chosen on 0 and 1
            outdated=f"{OLD_SIMGAN}; images for validation had siblings of their fonts among those learnt from",
        ),
        Study(
            name="simgan-critics",
            about="what history and a verdict an image change, by what the critic tells apart and forgets",
            pairs=("fonts-digits",),
            rows=("source-only", "simgan", "simgan-nohist", "simgan-global", "target-only"),
            seeds=(8, 9, 10),
        ),
        Study(
            name="simgan-photos",
            about="the same where the target has photographs for a background",
            pairs=("digits-photos",),
            rows=SIMGAN_ROWS,
            seeds=(0, 1, 2, 3, 4),
            outdated=OLD_SIMGAN,
        ),
        Study(
            name="pixelda-table",
            about="PixelDA and its ingredients, SimGAN and feature alignment on PixelDA's own question",
            pairs=("mnist-mnistm",),
            rows=(
                "source-only",
                "pixelda",
                "pixelda-content",
                "pixelda-notask",
                "pixelda-ggdr",
                "simgan",
                "tower",
                "dann",
                "mmd",
                "coral",
                "dsn",
                "target-only",
            ),
            seeds=(0, 1, 2),
            outdated=OLD_PIXELDA,
        ),
        Study(
            name="usps",
            about="grey digits both ways, where source and target differ in hand and pen",
            pairs=("mnist-usps", "usps-mnist"),
            rows=("source-only", "pixelda", "dann", "target-only"),
            seeds=(0, 1, 2),
            outdated=OLD_PIXELDA,
        ),
        Study(
            name="pixelda-ablation",
            about="which ingredient of PixelDA helps, and what SimGAN's and GGDR's add to it",
            pairs=("mnist-mnistm",),
            rows=(
                "source-only",
                "pixelda",
                "pixelda-content",
                "pixelda-notask",
                "pixelda-adapted-only",
                "pixelda-nonoise",
                "pixelda-local",
                "pixelda-hist",
                "pixelda-ggdr",
                "target-only",
            ),
            seeds=(0, 1, 2),
        ),
        Study(
            name="pixelda-stability",
            about="how far initialisations lie apart with and without the task and content terms (1612.05424, table 5)",
            pairs=("mnist-mnistm",),
            rows=("pixelda", "pixelda-content", "pixelda-notask", "pixelda-adapted-only"),
            seeds=(0, 1, 2, 3, 4),
        ),
        Study(
            name="pixelda-background",
            about="what the source's background matters: black, or random photographs (1612.05424, table 3)",
            pairs=("mnist-mnistm", "mnistphotos-mnistm"),
            rows=("source-only", "pixelda", "target-only"),
            seeds=(0, 1, 2),
        ),
        Study(
            name="pixelda-unseen",
            about="adapted on six of ten classes, tested on all and on the four unseen (1612.05424, table 4)",
            pairs=("mnist-mnistm-6of10",),
            rows=("source-only", "pixelda", "target-only"),
            seeds=(0, 1, 2),
        ),
        Study(
            name="pixelda-semi-supervised",
            about="with 1,000 labelled target images beside the adapted source (1612.05424, table 6)",
            pairs=("mnist-mnistm-1000",),
            rows=("source-only", "pixelda", "target-only"),
            seeds=(0, 1, 2),
        ),
    )
}


def find_study(name: str) -> Study:
    """Return a published study by name, or the one that a TOML file describes; else raise :class:`~mistakes.UserMistake`."""
    if name.endswith(ENDING):
        study = read_study(Path(name))
        if study.name in STUDIES:
            raise UserMistake(
                f"study {name!r} has the name {study.name!r}, which is published; allowed: another name."
            )
        return study
    if name not in STUDIES:
        raise unknown("study", name, STUDIES)
    return STUDIES[name]
