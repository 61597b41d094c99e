"""The form of the pictures beside a record: rows of so many images below each other. Needs no torch."""

from PIL import Image

COLUMNS = 16
ROWS = {"samples.png": 3, "neighbours.png": 2, "draws.png": 7, "film.png": 5}
"""How many rows of ``COLUMNS`` images each picture has."""


def rows_of(picture: Image.Image, name: str) -> list[Image.Image]:
    """Return the rows of images that the picture ``name`` was made of, from above."""
    count = ROWS[name]
    edges = [picture.height * index // count for index in range(count + 1)]
    return [
        picture.crop((0, top, picture.width, bottom)) for top, bottom in zip(edges, edges[1:], strict=False)
    ]
