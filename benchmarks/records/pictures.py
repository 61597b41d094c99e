"""The layout of the pictures beside a record: rows of ``COLUMNS`` images. Needs no torch."""

from PIL import Image

COLUMNS = 16
ROWS = {"samples.png": 3, "neighbours.png": 2, "draws.png": 7, "film.png": 5}
"""The number of rows in each picture."""


def rows_of(picture: Image.Image, name: str) -> list[Image.Image]:
    """Return the rows of images of the picture ``name``, from top to bottom."""
    count = ROWS[name]
    edges = [picture.height * index // count for index in range(count + 1)]
    return [
        picture.crop((0, top, picture.width, bottom)) for top, bottom in zip(edges, edges[1:], strict=False)
    ]
