"""Which rows train something."""

from methods.recipes import RECIPES

TRAINED = [row for row, recipe in RECIPES.items() if not recipe.at("paper").BOUND]
