"""The optional parts of a pair and its tasks: what they promise, what is refused."""

from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import Tensor

from datasets.catalogue import load_pair
from datasets.contract import Classification, ClassificationAndPose, DomainPair, Labelled
from tests.small.data import refusal

loaded = cache(load_pair)


# ---- tasks


def poses(count: int = 6) -> Tensor:
    turns = torch.randn(count, 4, generator=torch.Generator().manual_seed(0))
    return torch.cat([torch.arange(count)[:, None] % 3, torch.nn.functional.normalize(turns)], 1)


def test_a_pose_adds_four_outputs_and_another_name() -> None:
    task = ClassificationAndPose(classes=11)
    assert (task.name, task.outputs) == ("classification+pose", 15)
    assert (Classification(classes=11).name, Classification(classes=11).outputs) == ("classification", 11)


def test_both_tasks_tell_the_classes_of_labels() -> None:
    labels = torch.tensor([2, 0, 1])
    assert Classification(classes=3).classes_of(labels) is labels
    classes = ClassificationAndPose(classes=3).classes_of(poses())
    assert classes.dtype == torch.int64
    assert classes.tolist() == [0, 1, 2, 0, 1, 2]


def changed(row: int, column: int, value: float) -> Tensor:
    labels = poses()
    labels[row, column] = value
    return labels


BROKEN_POSES = {
    "int64": (poses().long(), "labels are torch.int64 of shape (6, 5); allowed: float32, (6, 5)"),
    "too few": (poses(5), "(5, 5); allowed: float32, (6, 5)"),
    "no class": (poses()[:, 1:], "(6, 4)"),
    "half a class": (changed(1, 0, 1.5), "labels name the class 1.5; allowed: whole numbers"),
    "no number": (changed(1, 0, torch.nan), "labels name the class nan"),
    "infinite": (changed(1, 0, torch.inf), "labels name the class inf"),
    "class 3 of 3": (changed(1, 0, 3), "labels lie in 0 … 3; allowed: 0 … 2"),
    "class -1": (changed(1, 0, -1), "labels lie in -1 … 2"),
    "long quaternion": (changed(5, 2, 3.0), "quaternion of norm 3"),
    "slightly long": (poses() * torch.tensor([1, *[1.0012] * 4]), "of norm 1.001; allowed: 1 within 0.001"),
    "quaternion of nan": (changed(5, 2, torch.nan), "quaternion of norm nan"),
}


@pytest.mark.parametrize("case", BROKEN_POSES)
def test_broken_poses_are_refused(case: str) -> None:
    labels, said = BROKEN_POSES[case]
    message = refusal(lambda: ClassificationAndPose(classes=3).check(labels, 6, "pair 'x', test"))
    assert message.startswith("pair 'x', test: labels ")
    assert said in message


def test_quaternions_may_be_a_little_off() -> None:
    ClassificationAndPose(classes=3).check(poses() * torch.tensor([1, *[1.0008] * 4]), 6, "")


def test_pairs_ask_their_task() -> None:
    images = torch.zeros(6, 4, 8, 8, dtype=torch.uint8)
    split = Labelled(images=images, labels=poses())
    pair = DomainPair(name="x", task=ClassificationAndPose(classes=3), source=split, oracle=split, test=split)
    assert pair.test.labels.shape == (6, 5)
    broken = replace(split, labels=changed(0, 1, 9))
    assert "'x', oracle: labels hold" in refusal(lambda: replace(pair, oracle=broken))


# ---- a few labelled target images


def test_pick_takes_images_labels_and_masks() -> None:
    whole = loaded("shapes").source
    for which in (torch.tensor([5, 2]), torch.arange(96).remainder(96 - 5) == 2):
        part = whole.pick(which)
        assert torch.equal(part.images, whole.images[which])
        assert torch.equal(part.labels, whole.labels[which])
        assert part.masks is not None
        assert whole.masks is not None
        assert torch.equal(part.masks, whole.masks[which])
    assert replace(whole, masks=None).pick(torch.tensor([1])).masks is None


def halved() -> DomainPair:
    pair = loaded("shapes")
    return replace(
        pair, oracle=pair.oracle.pick(torch.arange(48)), labelled=pair.oracle.pick(torch.arange(48, 96))
    )


def test_labelled_images_are_a_split_like_the_others() -> None:
    assert list(loaded("shapes").splits) == ["source", "oracle", "test"]
    pair = halved()
    assert list(pair.splits) == ["source", "oracle", "test", "labelled"]
    assert pair.labelled is not None
    broken = replace(pair.labelled, labels=pair.labelled.labels + 1)
    message = refusal(lambda: replace(pair, labelled=broken))
    assert message.startswith("pair 'shapes', labelled: labels lie in 1 … 3")


# ---- classes that adaptation may see


def half_seen(seen: tuple[int, ...] = (0, 2)) -> DomainPair:
    pair = loaded("shapes")
    kept = torch.isin(pair.oracle.labels, torch.tensor(seen))
    return replace(pair, oracle=pair.oracle.pick(kept), seen=seen)


@pytest.mark.parametrize("seen", [(), (0, 1, 2), (0, 3), (-1, 0), (2, 0), (0, 0), (0, 0, 2)])
def test_seen_classes_are_some_but_not_all_in_order(seen: tuple[int, ...]) -> None:
    message = refusal(lambda: replace(loaded("shapes"), seen=seen))
    assert message == (
        f"pair 'shapes': seen classes are {seen}; allowed: some but not all of the classes 0 … 2, ascending."
    )


def test_the_target_holds_no_class_that_is_not_seen() -> None:
    pair = half_seen()
    assert pair.oracle.labels.unique().tolist() == [0, 2]
    assert pair.source.labels.unique().tolist() == pair.test.labels.unique().tolist() == [0, 1, 2]
    message = refusal(lambda: replace(pair, oracle=loaded("shapes").oracle))
    assert message == "pair 'shapes', oracle: labels name the classes [1]; allowed: those seen, (0, 2)."
    assert "labelled: labels name" in refusal(lambda: replace(pair, labelled=loaded("shapes").oracle))


# ---- the fingerprint


def test_optional_parts_enter_the_fingerprint_where_they_are_present() -> None:
    pair = loaded("shapes")
    assert pair.fingerprint == "a8ea6ed7e3ac"
    assert replace(pair, identity="another edition").fingerprint == pair.fingerprint
    assert replace(pair, name="y").fingerprint == pair.fingerprint
    variants = [
        pair,
        halved(),
        replace(halved(), labelled=None),
        half_seen(),
        replace(half_seen(), seen=None),
        half_seen((0, 1)),
    ]
    assert len({variant.fingerprint for variant in variants}) == len(variants)


def test_moving_keeps_all_parts() -> None:
    pair = replace(half_seen(), identity="i", labelled=half_seen().oracle)
    moved = pair.to(torch.device("cpu"))
    assert (moved.identity, moved.seen, moved.fingerprint) == ("i", (0, 2), pair.fingerprint)
    assert list(moved.splits) == list(pair.splits)


def test_moving_reaches_every_split(monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[Labelled] = []
    monkeypatch.setattr(Labelled, "to", lambda self, device: reached.append(self) or self)
    pair = halved()
    pair.to(torch.device("cpu"))
    assert reached == list(pair.splits.values())
