"""Every method that can stand in a table, as a recipe. Needs no torch until a recipe is configured."""

from typing import TYPE_CHECKING

from methods.recipe import Recipe
from methods.settings import Settings, changed, method_name, unflatten
from mistakes import UserMistake, unknown

if TYPE_CHECKING:
    from methods.contract import Config

SIMGAN = "Shrivastava et al., CVPR 2017, arXiv 1612.07828"
PIXELDA = "Bousmalis et al., CVPR 2017, arXiv 1612.05424"
DANN = "Ganin et al., JMLR 2016, arXiv 1505.07818"
MMD = "Long et al., ICML 2015, arXiv 1502.02791"
CORAL = "Sun and Saenko, ECCV workshops 2016, arXiv 1607.01719"
DSN = "Bousmalis et al., NeurIPS 2016, arXiv 1608.06019"
GGDR_PAPER = "Lee et al., ECCV 2022, arXiv 2207.13320"


simgan = Recipe(
    name="simgan",
    base="methods.refiner_gan:RefinerGanConfig",
    about="refiner with local adversarial loss, L1 self-regularisation and history",
    paper=SIMGAN,
)
pixelda = Recipe(
    name="pixelda",
    base="methods.pixelda:PixelDAConfig",
    about="generator with noise, global critic and task tower, taught in turns",
    paper=PIXELDA,
)
dann = Recipe(
    name="dann",
    base="methods.feature_alignment:FeatureAlignmentConfig",
    about="task tower whose features a domain classifier cannot tell apart",
    paper=DANN,
)
_no_history = simgan.but("simgan-nohist", {"history": None}, "critic sees fresh refined images only")

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="source-only",
            base="methods.bounds:SourceOnly",
            about="lower bound: task model trained on the source as it is",
            paper="–",
        ),
        Recipe(
            name="target-only",
            base="methods.bounds:TargetOnly",
            about="upper bound: task model trained on the labelled target",
            paper="–",
        ),
        simgan,
        _no_history,
        simgan.but("simgan-global", {"critic.verdict": "image"}, "one verdict an image, not one a patch"),
        _no_history.but("simgan-nohist-global", {"critic.verdict": "image"}, "neither history nor patches"),
        simgan.but("simgan-noreg", {"content": None}, "no self-regularisation"),
        simgan.but("simgan-pmse", {"content": "PairwiseError"}, "PixelDA's masked content loss", PIXELDA),
        simgan.but("simgan-feature", {"content": "FeatureL1"}, "self-regularisation of image derivatives"),
        simgan.but(
            "simgan-ggdr", {"guidance": "GGDR"}, "critic guided by the refiner's features", GGDR_PAPER
        ),
        pixelda,
        pixelda.but("pixelda-content", {"content": "PairwiseError"}, "with the masked content loss"),
        pixelda.but("pixelda-notask", {"task_lesson": None}, "generator learns nothing from the task tower"),
        pixelda.but("pixelda-adapted-only", {"source_lesson": None}, "task tower sees adapted images only"),
        pixelda.but("pixelda-nonoise", {"noise": None}, "no noise: one adaptation an image"),
        pixelda.but("pixelda-local", {"critic.verdict": "patches"}, "a verdict a patch, as in SimGAN"),
        pixelda.but("pixelda-hist", {"history": "History"}, "with SimGAN's history", SIMGAN),
        pixelda.but(
            "pixelda-ggdr", {"guidance": "GGDR"}, "critic guided by the generator's features", GGDR_PAPER
        ),
        dann.but("tower", {"alignment": None}, "task tower on the source alone: what alignment adds to", DSN),
        dann,
        dann.but("mmd", {"alignment": "KernelDiscrepancy"}, "features with equal kernel means", MMD),
        dann.but("coral", {"alignment": "CovarianceAlignment"}, "Deep CORAL: equal covariances", CORAL),
        dann.but("dsn", {"separation": "Separation"}, "DANN with private encoders and a decoder", DSN),
    )
}


def resolve(row: str) -> tuple[Recipe, dict[str, str]]:
    """Return the recipe and the changes that a row's name stands for: ``NAME`` or ``NAME[path=value;path=value]``.

    Raises :class:`UserMistake` for an unknown recipe and for a malformed or repeated change.
    """
    name, bracket, rest = row.partition("[")
    if name not in RECIPES:
        raise unknown("method", name, RECIPES)
    if bracket and not rest.endswith("]"):
        raise UserMistake(f"method {row!r} lacks its closing bracket; allowed: NAME[path=value;path=value].")
    changes: dict[str, str] = {}
    for pair in filter(None, rest.removesuffix("]").split(";")):
        path, equals, value = pair.partition("=")
        if not equals:
            raise UserMistake(f"setting {pair!r} has no value; allowed: path=value.")
        if path.strip() in changes:
            raise UserMistake(f"setting {path.strip()!r} is set twice in {row!r}; allowed: each once.")
        changes[path.strip()] = value.strip()
    return RECIPES[name], changes


def configure(row: str, scale: str, pair: str = "") -> "Config":
    """Return the config of a row at a scale, on a pair if one is named.

    Raises :class:`UserMistake` for an unknown recipe, path or value, and for a change that changes nothing.
    """
    recipe, changes = resolve(row)
    return changed(recipe.at(scale, pair), changes)


def config_of(settings: Settings) -> "Config":
    """Return the config that has these settings: the inverse of ``Config.settings``. No row's name is needed.

    Raises :class:`UserMistake` for a ``method`` that no recipe uses or that two classes share, and for settings that the
    method's class does not allow.
    """
    name = settings.get("method")
    known = {recipe.kind for recipe in RECIPES.values()}
    kinds = [kind for kind in known if method_name(kind) == name]
    if not kinds:
        raise unknown("value of setting 'method':", name, sorted(map(method_name, known)))
    if len(kinds) > 1:
        raise UserMistake(f"setting 'method' is {name}, the name of two classes; allowed: each name once.")
    try:
        return unflatten(kinds[0], {path: value for path, value in settings.items() if path != "method"})
    except UserMistake as mistake:
        raise UserMistake(f"settings of {name} do not fit this version: {mistake}") from mistake
