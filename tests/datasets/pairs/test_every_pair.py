"""The pairs of domains: what each promises, what is refused, how the embedded ones are made."""

import os
import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.scores.catalogue import EXTRACTORS
from datasets.catalogue import PAIRS, Entry, load_pair
from datasets.contract import Classification, DomainPair, Labelled
from datasets.pairs import fonts_digits
from datasets.sets import mnist_m, uci_digits
from mistakes import UserMistake

SPLITS = ("source", "oracle", "test")
DATA = Path(os.environ["BENCH_DATA"]) if os.environ.get("BENCH_DATA") else None


loaded = cache(load_pair)
released = cache(mnist_m.read)  # several pairs share it, and it takes seconds


@pytest.fixture(scope="module", params=PAIRS)  # so that one pair at a time is in memory
def pair(request: pytest.FixtureRequest) -> DomainPair:
    if missing := PAIRS[request.param].missing(DATA):
        pytest.skip(f"BENCH_DATA has no {', '.join(missing)}" if DATA else "BENCH_DATA is not set")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mnist_m, "read", released)
        return load_pair(request.param, DATA)


def splits(pair: DomainPair) -> list[Labelled]:
    return list(pair.splits.values())


def keys(images: Tensor) -> list[bytes]:
    return [image.contiguous().numpy().tobytes() for image in images]


# ---- what every pair promises


def test_images_are_bytes_of_one_shape(pair: DomainPair, request: pytest.FixtureRequest) -> None:
    assert pair.name == request.node.callspec.params["pair"]
    for examples in splits(pair):
        assert examples.images.dtype == torch.uint8
        assert examples.images.shape == (len(examples), *pair.shape)
        assert examples.images.is_contiguous()
        assert examples.images[:1000].float().std() > 10  # something is drawn on them
    assert pair.target is (pair.unlabelled if pair.oracle is None else pair.oracle.images)


def test_labels_are_in_range_and_every_class_is_in_every_split(pair: DomainPair) -> None:
    every = list(range(len(pair.task.titles)))
    for name, examples in pair.splits.items():
        assert len(examples.labels) == len(examples)
        expected = every if pair.seen is None or name in ("source", "test") else list(pair.seen)
        if every:
            assert pair.task.classes_of(examples.labels).unique().tolist() == expected


def test_masks_are_bool_of_one_channel_and_cover_a_part(pair: DomainPair) -> None:
    assert (pair.source.masks is None) == (pair.name == "svhn-mnist")
    for examples in splits(pair):
        if examples.masks is not None:
            assert examples.masks.dtype == torch.bool
            assert examples.masks.shape == (len(examples), 1, *pair.shape[1:])
            covered = examples.masks.flatten(1).float().mean(1)
            assert covered.min() > 0
            assert covered.max() < 1


def test_loading_twice_gives_the_same_bits_and_leaves_global_randomness_alone(pair: DomainPair) -> None:
    uci_digits._embedded.cache_clear()
    before = torch.get_rng_state(), np.random.get_state(), random.getstate()
    again = load_pair(pair.name, DATA)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert all(np.array_equal(now, then) for now, then in zip(np.random.get_state(), before[1], strict=True))
    assert random.getstate() == before[2]
    assert again is not pair
    assert again.fingerprint == pair.fingerprint
    assert again.identity == pair.identity


def test_no_image_is_in_two_splits(pair: DomainPair) -> None:
    images = [examples.images for examples in splits(pair)] + [pair.target] * (pair.oracle is None)
    sets = [set(map(hash, keys(part))) for part in images]
    assert len(set.union(*sets)) == sum(map(len, sets))


@pytest.mark.parametrize("name", PAIRS)
def test_catalogue_describes_the_pair(name: str) -> None:
    entry = PAIRS[name]
    assert entry.about
    assert entry.licence
    assert entry.extractor in EXTRACTORS
    assert callable(resolve_name(entry.load))
    assert entry.missing(None) == [
        need if isinstance(need, str) else " or ".join(need) for need in entry.needs
    ]


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("part", ["images", "labels", "masks"])
def test_fingerprint_sees_a_change_anywhere(split: str, part: str) -> None:
    pair = loaded("shapes")
    examples = getattr(pair, split)
    changed = getattr(examples, part).clone()
    changed.flatten()[-1] = 0 if changed.flatten()[-1] else 1
    other = replace(pair, **{split: replace(examples, **{part: changed})})
    assert other.fingerprint != pair.fingerprint


def test_unknown_pair_names_the_nearest() -> None:
    with pytest.raises(
        UserMistake, match=r"'fonts-digit'; allowed: .*Did you mean 'fonts-digits'\?"
    ) as caught:
        load_pair("fonts-digit")
    assert "\n" not in str(caught.value)


def test_missing_data_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    needy = Entry(
        about="a", licence="l", load=PAIRS["shapes"].load, extractor="random", needs=("far/away.h5",)
    )
    monkeypatch.setitem(PAIRS, "needy", needy)
    with pytest.raises(UserMistake, match="'needy' needs far/away.h5"):
        load_pair("needy", tmp_path)
    (tmp_path / "far").mkdir()
    (tmp_path / "far/away.h5").touch()
    assert load_pair("needy", tmp_path).fingerprint == loaded("shapes").fingerprint


# ---- what a pair refuses

BROKEN: dict[str, Callable[[Labelled], Labelled]] = {
    "images: empty": lambda x: Labelled(images=x.images[:0], labels=x.labels[:0]),
    "images: float": lambda x: replace(x, images=x.images.float()),
    "images: no channels": lambda x: replace(x, images=x.images[:, 0]),
    "labels: int32": lambda x: replace(x, labels=x.labels.int()),
    "labels: too few": lambda x: replace(x, labels=x.labels[1:]),
    "labels: class 3 of 3": lambda x: replace(x, labels=x.labels + 1),
    "labels: class -1": lambda x: replace(x, labels=x.labels - 1),
    "masks: float": lambda x: replace(x, masks=x.images.float()),
    "masks: without channel": lambda x: replace(x, masks=x.images[:, 0] > 0),
    "masks: too few": lambda x: replace(x, masks=x.images[1:] > 0),
    "groups: float": lambda x: replace(x, groups=x.labels.float()),
    "groups: too few": lambda x: replace(x, groups=x.labels[1:]),
}


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("case", BROKEN)
def test_broken_split_is_refused_in_one_line(case: str, split: str) -> None:
    pair = loaded("shapes")
    with pytest.raises(UserMistake) as caught:
        replace(pair, **{split: BROKEN[case](getattr(pair, split))})
    message = str(caught.value)
    assert message.startswith(f"pair 'shapes', {split}: {case.partition(':')[0]} ")
    assert "allowed: " in message
    assert "\n" not in message


@pytest.mark.parametrize("split", ["oracle", "test"])
def test_images_of_another_shape_than_the_source_are_refused(split: str) -> None:
    pair = loaded("shapes")
    other = replace(getattr(pair, split), images=getattr(pair, split).images[..., 1:])
    with pytest.raises(
        UserMistake, match=rf"'shapes', {split}: images .*\(1, 12, 11\).*allowed: \(1, 12, 12\)"
    ):
        replace(pair, **{split: other})


# ---- how the embedded pairs are made


def test_thirds_are_disjoint_and_cover_the_digits() -> None:
    indices = [list(range(1797))[uci_digits.third(index)] for index in range(3)]
    assert [len(part) for part in indices] == [599, 599, 599]
    assert sorted(sum(indices, [])) == list(range(1797))
    assert len(uci_digits.handwritten()[1]) == 1797


def test_each_split_of_digits_photos_has_a_third_of_its_own() -> None:
    pair = loaded("digits-photos")
    blocks, labels = uci_digits.handwritten()
    for index, (examples, copies) in enumerate(zip(splits(pair), (1, 3, 1), strict=True)):
        own = slice(599 * index, 599 * (index + 1))
        assert torch.equal(examples.labels, labels[own].repeat(copies))
        assert examples.masks is not None
        assert torch.equal(
            examples.masks, (uci_digits.enlarge(blocks[own], 32) >= 96).repeat(copies, 1, 1, 1)
        )


def test_source_of_fonts_digits_has_every_font_and_digit_equally() -> None:
    source = loaded("fonts-digits").source
    assert source.labels.bincount().tolist() == [22 * 8] * 10
    assert len(set(fonts_digits.FONTS)) == 22
    assert len(set(keys(source.images))) == len(source)


def test_variants_of_a_font_and_of_its_slanted_version_are_siblings() -> None:
    groups = loaded("fonts-digits").source.groups
    assert groups is not None
    per_font = groups.view(len(fonts_digits.FONTS), -1)
    assert (per_font == per_font[:, :1]).all()
    found = dict(zip(fonts_digits.FONTS, per_font[:, 0].tolist(), strict=True))
    assert found["DejaVuSans"] == found["DejaVuSans-Oblique"] != found["DejaVuSans-Bold"]
    assert found["STIXGeneralBol"] == found["STIXGeneralBolIta"] != found["STIXGeneral"]
    assert len(set(found.values())) == 14


def find_crop(photo: np.ndarray, image: np.ndarray, background: np.ndarray) -> list[tuple[int, int]]:
    """Return every row and column where the photo agrees with a tenth of the image's background."""
    height, width = photo.shape[0] - 31, photo.shape[1] - 31
    agrees = np.ones((height, width), bool)
    for row, column in np.argwhere(background)[::10]:
        agrees &= (photo[row : row + height, column : column + width] == image[row, column]).all(-1)
    return [(row, column) for row, column in np.argwhere(agrees).tolist()]


@pytest.mark.parametrize("split", ["oracle", "test"])
def test_digits_over_photos_follow_the_recipe_of_mnist_m(split: str) -> None:
    from sklearn.datasets import load_sample_images

    examples = getattr(loaded("digits-photos"), split)
    image = examples.images[7].permute(1, 2, 0).numpy()
    digit = examples.masks[7, 0].numpy()
    photos = load_sample_images().images
    found = [(photo, place) for photo in photos for place in find_crop(photo, image, ~digit)]
    assert len(found) == 1
    photo, (top, left) = found[0]
    crop = photo[top : top + 32, left : left + 32]
    assert np.array_equal(image, np.where(digit[..., None], 255 - crop, crop))


def test_counts_are_ink_pixels_of_blocks() -> None:
    bitmaps = torch.rand(5, 1, 32, 32, generator=torch.Generator().manual_seed(0)) < 0.4
    counted = uci_digits.ink_counts(bitmaps)
    assert counted.shape == (5, 1, 8, 8)
    for image, row, column in np.ndindex(5, 8, 8):
        block = bitmaps[image, 0, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        assert counted[image, 0, row, column] == int(block.sum())
    assert torch.equal(uci_digits.ink_counts(torch.ones(1, 1, 32, 32)), torch.full((1, 1, 8, 8), 16.0))


def test_enlarge_maps_counts_from_paper_to_full_ink_onto_bytes() -> None:
    counts = torch.arange(17.0).view(17, 1, 1, 1)
    enlarged = uci_digits.enlarge(counts.expand(-1, -1, 8, 8), 16)
    assert enlarged.shape == (17, 1, 16, 16)
    assert enlarged[0].max() == 0
    assert enlarged[16].min() == 255
    assert torch.equal(enlarged, (counts * 255 / 16).round().byte().expand(-1, -1, 16, 16))


def test_ink_begins_at_three_eighths() -> None:
    grey = torch.tensor([[95, 0, 10], [96, 0, 0], [0, 0, 255]], dtype=torch.uint8).view(3, 3, 1, 1)
    assert uci_digits.ink(grey).flatten().tolist() == [False, True, True]


def test_a_classification_puts_out_one_number_a_class() -> None:
    assert Classification(classes=7).outputs == 7
