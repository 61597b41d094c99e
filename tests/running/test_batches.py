"""The way from a pair's bytes to the batches that methods see."""

from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from itertools import islice

import pytest
import torch
from torch import Tensor

from benchmarks.running.batches import Batches
from datasets.catalogue import PAIRS, load_pair
from datasets.contract import to_bytes, to_unit
from methods.contract import Batch

every_pair = pytest.mark.parametrize("name", [name for name, entry in PAIRS.items() if not entry.needs])
loaded = cache(load_pair)


def keys(images: Tensor) -> list[bytes]:
    return [image.contiguous().numpy().tobytes() for image in images]


# ---- bytes and units


def test_every_byte_survives_the_way_to_unit_and_back() -> None:
    values = torch.arange(256, dtype=torch.uint8)
    unit = to_unit(values)
    assert (unit[0], unit[255]) == (-1, 1)
    assert unit.dtype == torch.float32
    assert torch.equal(to_bytes(unit), values)


def test_to_bytes_rounds_and_clamps() -> None:
    grey = torch.tensor([-300.0, -0.2, 0.4, 0.6, 99.6, 100.4, 254.6, 255.3, 600.0])
    images = grey / 127.5 - 1
    kept = images.clone()
    assert to_bytes(images).tolist() == [0, 0, 0, 1, 100, 100, 255, 255, 255]
    assert torch.equal(images, kept)


# ---- batches


def draw(name: str, count: int = 8, seed: int = 0, size: int = 32) -> list[Batch]:
    return list(islice(Batches(loaded(name), size, seed), count))


def test_batches_hold_no_target_labels() -> None:
    assert [field.name for field in fields(Batch)] == ["source", "labels", "masks", "target"]


@every_pair
def test_labels_and_masks_belong_to_the_drawn_source_images(name: str) -> None:
    source = loaded(name).source
    assert source.masks is not None
    known: dict[bytes, set[tuple[bytes, bytes]]] = {}
    annotations = zip(keys(source.labels), keys(source.masks), strict=True)
    for image, annotation in zip(keys(source.images), annotations, strict=True):
        known.setdefault(image, set()).add(annotation)
    for batch in draw(name):
        assert batch.masks.dtype == torch.float32
        drawn = zip(keys(batch.labels), keys(batch.masks.bool()), strict=True)
        for image, annotation in zip(keys(to_bytes(batch.source)), drawn, strict=True):
            assert annotation in known[image]


@every_pair
def test_batches_are_in_unit_range_and_their_targets_are_training_targets(name: str) -> None:
    pair = loaded(name)
    allowed = set(keys(pair.target))
    for batch in draw(name):
        for images in (batch.source, batch.target):
            assert images.shape == (32, *pair.shape)
            assert images.dtype == torch.float32
            assert -1 <= images.min() < images.max() <= 1
        assert set(keys(to_bytes(batch.target))) <= allowed


def test_every_image_can_be_drawn() -> None:
    pair = loaded("shapes")
    batches = draw("shapes", count=60)
    for given, drawn in ((pair.source.images, "source"), (pair.target, "target")):
        seen = {key for batch in batches for key in keys(to_bytes(getattr(batch, drawn)))}
        assert seen == set(keys(given))


def test_same_seed_same_stream_other_seed_other_stream() -> None:
    def stream(seed: int) -> Iterator[Tensor]:
        return (torch.cat([batch.source, batch.target]) for batch in draw("shapes", seed=seed))

    assert all(torch.equal(one, two) for one, two in zip(stream(3), stream(3), strict=True))
    assert not any(torch.equal(one, two) for one, two in zip(stream(3), stream(4), strict=True))


def test_global_randomness_neither_steers_nor_feels_the_stream() -> None:
    torch.manual_seed(1)
    first = draw("shapes")
    after = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(1), after)
    second = draw("shapes")
    assert all(torch.equal(one.source, two.source) for one, two in zip(first, second, strict=True))


def test_drawn_counts_the_source_images_given_out() -> None:
    batches = Batches(loaded("shapes"), 5, 0)
    assert batches.drawn == 0
    assert [batches.drawn for _ in islice(batches, 3)] == [5, 10, 15]


@pytest.mark.parametrize("masked", [True, False])
def test_what_is_written_into_a_batch_reaches_neither_the_data_nor_a_later_batch(masked: bool) -> None:
    pair = loaded("shapes")
    if not masked:
        pair = replace(pair, source=replace(pair.source, masks=None))
    before, batches = pair.to(pair.target.device), Batches(pair, 96, 0)
    for expected in islice(Batches(before, 96, 0), 3):
        batch = next(batches)
        for field in fields(Batch):
            assert torch.equal(getattr(batch, field.name), getattr(expected, field.name))
            getattr(batch, field.name).mul_(0)
    assert before.fingerprint == replace(pair).fingerprint  # a fingerprint is computed once an object


def test_the_data_behind_batches_are_private() -> None:
    batches = Batches(loaded("shapes"), 8, 0)
    assert not [name for name, value in vars(batches).items() if name[0] != "_" and hasattr(value, "shape")]
    assert not [name for name in ("source", "target") if hasattr(batches, name)]


def test_masks_are_all_ones_where_the_pair_has_none() -> None:
    pair = loaded("shapes")
    batch = next(Batches(replace(pair, source=replace(pair.source, masks=None)), 8, 0))
    assert torch.equal(batch.masks, torch.ones(8, 1, 12, 12))


def test_only_source_images_of_seen_classes_are_drawn() -> None:
    pair = loaded("shapes")
    seen = replace(pair, seen=(0, 2), oracle=pair.oracle.pick(pair.oracle.labels != 1))
    labels = torch.cat([batch.labels for batch in islice(Batches(seen, 8, 0), 20)])
    assert labels.unique().tolist() == [0, 2]
    drawn = {key for batch in islice(Batches(seen, 32, 0), 60) for key in keys(to_bytes(batch.source))}
    assert drawn == set(keys(pair.source.images[pair.source.labels != 1]))


def test_a_stream_aside_is_the_same_at_every_call_and_moves_nothing() -> None:
    batches, silent = (Batches(loaded("shapes"), 8, 0) for _ in range(2))
    first = next(batches.aside("adapter")).source
    next(batches)
    next(silent)
    assert torch.equal(next(batches.aside("adapter")).source, first)
    assert batches.drawn == silent.drawn == 8
    following = next(batches).source
    assert torch.equal(following, next(silent).source)
    assert not torch.equal(next(batches.aside("another")).source, first)


def test_a_stream_aside_survives_a_resumption_from_another_seed() -> None:
    batches, resumed = Batches(loaded("shapes"), 8, 0), Batches(loaded("shapes"), 8, 1)
    resumed.load_state_dict(batches.state_dict())
    assert torch.equal(next(resumed.aside("adapter")).source, next(batches.aside("adapter")).source)
