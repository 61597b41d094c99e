"""The feature extractors behind FID and KID."""

import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torchvision.models import squeezenet1_1
from torchvision.transforms.functional import normalize, resize, to_pil_image, to_tensor

from benchmarks.evaluation.features import extractors
from benchmarks.evaluation.features.digits_net import DigitsNet, looks
from benchmarks.evaluation.features.extractors import (
    INCEPTION_FILE,
    SQUEEZENET_FILES,
    Extractor,
    check_extractor_there,
    load_extractor,
)
from benchmarks.scores.catalogue import EXTRACTORS, TIMM
from benchmarks.scores.frechet import frechet_distance
from datasets.catalogue import load_pair
from datasets.contract import to_unit
from datasets.tasks.classification import error
from methods.seeding import generator, initialising
from mistakes import UserMistake

CPU = torch.device("cpu")
WEIGHTS = Path(extractors.__file__).with_name("digits-v1.safetensors")
embedded = pytest.mark.parametrize("name", ["digits-v1", "random"])
loaded = cache(lambda name: load_extractor(name, CPU))


def noise(count: int, channels: int, size: int) -> Tensor:
    random = torch.Generator().manual_seed(size)
    return torch.randint(256, (count, channels, size, size), generator=random, dtype=torch.uint8)


def test_every_listed_extractor_can_be_loaded() -> None:
    assert [*extractors.LOADERS, f"{TIMM}NAME"] == list(EXTRACTORS)


@embedded
@pytest.mark.parametrize("size", [12, 16, 32])
@pytest.mark.parametrize("channels", [1, 3])
def test_features_are_one_finite_row_an_image(name: str, channels: int, size: int) -> None:
    features = loaded(name)(noise(5, channels, size))
    assert features.shape == (5, 64)
    assert features.isfinite().all()
    assert (features.std(0) > 0).any()


@embedded
def test_features_do_not_depend_on_the_batch(name: str) -> None:
    images = noise(20, 3, 16)
    together = loaded(name)(images)
    assert torch.allclose(loaded(name)(images, batch=3), together, atol=1e-5)
    assert torch.allclose(loaded(name)(images.flip(0)).flip(0), together, atol=1e-5)


@embedded
def test_grey_images_count_as_rgb_of_equal_channels(name: str) -> None:
    grey = noise(4, 1, 16)
    assert torch.equal(loaded(name)(grey), loaded(name)(grey.repeat(1, 3, 1, 1)))


@embedded
def test_extractor_is_always_the_same_and_leaves_global_randomness_alone(name: str) -> None:
    images = noise(4, 3, 16)
    before = torch.manual_seed(5).get_state()
    again = load_extractor(name, CPU)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    assert torch.equal(load_extractor(name, CPU)(images), again(images))


def test_embedded_extractors_are_different_scores() -> None:
    images = noise(4, 3, 32)
    assert loaded("random").title != loaded("digits-v1").title
    assert not torch.allclose(loaded("random")(images), loaded("digits-v1")(images))


def test_digits_net_reads_digits_it_never_saw() -> None:
    model = DigitsNet().eval()
    model.load_state_dict(load_file(WEIGHTS))
    unseen = looks(2, seed=0)
    with torch.inference_mode():
        grey, photos = model(to_unit(unseen.images)).split([599, 2 * 599])
    assert error(grey, unseen.labels[:599]) <= 3
    assert error(photos, unseen.labels[599:]) <= 10


def test_digits_extractor_is_the_net_with_the_committed_weights() -> None:
    model = DigitsNet().eval()
    model.load_state_dict(load_file(WEIGHTS))
    images = noise(4, 3, 32)
    with torch.inference_mode():
        assert torch.allclose(loaded("digits-v1")(images), model.features(to_unit(images)), atol=1e-5)


def test_weights_of_digits_net_are_small() -> None:
    assert WEIGHTS.stat().st_size <= 300_000


def test_unknown_extractor_names_the_nearest() -> None:
    with pytest.raises(UserMistake, match=r"'digit-v1'.*Did you mean 'digits-v1'\?"):
        load_extractor("digit-v1", CPU)


# ---- whether an extractor is there


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints" / INCEPTION_FILE


def said(look: Callable[[], object]) -> str:
    with pytest.raises(UserMistake) as caught:
        look()
    return str(caught.value)


@pytest.mark.parametrize("name", ["digit-v1", "inception", "squeezenet", "timm:resnet10x"])
def test_a_missing_extractor_is_refused_in_the_same_words_before_it_is_loaded(
    name: str, hub: Path, tmp_path: Path
) -> None:
    loaded = said(lambda: load_extractor(name, CPU, tmp_path))
    assert said(lambda: check_extractor_there(name, tmp_path)) == loaded


@pytest.mark.parametrize("name", ["digits-v1", "random", "squeezenet", "inception", "timm:test_resnet"])
def test_no_weights_are_read_to_see_that_they_are_there(
    name: str, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "inception":
        pytest.importorskip("torch_fidelity")
    hub.touch()
    (tmp_path / "weights").mkdir()
    (tmp_path / SQUEEZENET_FILES[0]).touch()
    monkeypatch.setattr(torch.nn.Module, "__init__", lambda *_: pytest.fail("a network was built"))
    check_extractor_there(name, tmp_path)


# ---- Inception


def test_missing_inception_weights_are_named_in_one_line(hub: Path) -> None:
    with pytest.raises(UserMistake) as caught:
        load_extractor("inception", CPU)
    assert repr(str(hub)) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_torch_fidelity_is_named_in_one_line(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.touch()
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(UserMistake, match=r"torch-fidelity, which is not installed; allowed: [^\n]*$"):
        load_extractor("inception", CPU)


def test_inception_takes_bytes_and_gives_torch_fidelitys_features(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch_fidelity")
    from torch_fidelity import feature_extractor_inceptionv3 as publisher

    assert publisher.URL_INCEPTION_V3.endswith("/" + INCEPTION_FILE)
    network_class = publisher.FeatureExtractorInceptionV3
    with monkeypatch.context() as patch:  # build the network with random weights, without its download
        patch.setattr(publisher, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(network_class, "load_state_dict", lambda *_: None)
        network = network_class("random", ["2048"])
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):  # keep activations of the order of one
            torch.nn.init.kaiming_normal_(layer.weight, generator=torch.Generator().manual_seed(0))
    torch.save(network.state_dict(), hub)

    fed: list[Tensor] = []
    forward = network_class.forward
    monkeypatch.setattr(network_class, "forward", lambda self, x: fed.append(x) or forward(self, x))
    inception: Extractor = load_extractor("inception", CPU)
    images = noise(3, 1, 32)
    features = inception(images)
    assert features.shape == (3, 2048)
    assert features.isfinite().all()
    assert len(fed) == 1
    assert fed[0].dtype == torch.uint8
    assert torch.equal(fed[0], images.repeat(1, 3, 1, 1))
    with torch.inference_mode():
        assert torch.allclose(features, network(images.repeat(1, 3, 1, 1))[0], rtol=1e-4)
    assert (features[0] - features[1]).abs().mean() > 0.01 * features.abs().mean() > 1e-4


# ---- squeezenet and timm, from weights below the data root


@pytest.mark.parametrize("form", ["weights/squeezenet1_1_features.safetensors", "hub"])
def test_squeezenet_is_the_mean_of_torchvisions_last_map(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    with initialising(0, "any weights"):
        network = squeezenet1_1().eval()
    if form == "hub":
        path = tmp_path / "hub" / "checkpoints" / "squeezenet1_1-b8a52dc0.pth"
        path.parent.mkdir(parents=True)
        torch.save(network.state_dict(), path)
    else:
        (tmp_path / "weights").mkdir()
        save_file(network.features.state_dict(), tmp_path / form)
    images = torch.randint(256, (3, 3, 40, 28), generator=generator(0, "test"), dtype=torch.uint8)
    unit = torch.stack([to_tensor(resize(to_pil_image(image), [96, 96])) for image in images])
    expected = network.features(normalize(unit, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])).mean((2, 3))
    found = load_extractor("squeezenet", CPU, tmp_path)(images)
    assert found.shape == (3, 512)
    assert torch.allclose(found, expected.detach(), atol=0.05 * expected.std().item())
    assert not torch.allclose(found[:1], expected[1:2], atol=0.05 * expected.std().item())


def test_missing_squeezenet_weights_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    with pytest.raises(
        UserMistake, match=r"'squeezenet' needs its weights.*squeezenet1_1_features.*allowed: "
    ):
        load_extractor("squeezenet", CPU, tmp_path)


@pytest.mark.skipif(not os.environ.get("BENCH_DATA"), reason="needs the real weights: BENCH_DATA is not set")
def test_real_squeezenet_tells_digit_sets_apart() -> None:
    root = Path(os.environ["BENCH_DATA"])
    pair = load_pair("mnist-mnistm", root)
    extractor = load_extractor("squeezenet", CPU, root)
    source, target, test = (extractor(x[:300]) for x in (pair.source.images, pair.target, pair.test.images))
    near, far = frechet_distance(target, test), frechet_distance(source, test)
    assert far > 5 * near


def test_timm_backbone_is_taken_from_a_file_at_its_own_size(tmp_path: Path) -> None:
    with initialising(1, "any weights"):
        network = timm.create_model("test_resnet", num_classes=1000).eval()
    (tmp_path / "weights" / "timm").mkdir(parents=True)
    save_file(network.state_dict(), tmp_path / "weights" / "timm" / "test_resnet.safetensors")
    extractor = load_extractor("timm:test_resnet", CPU, tmp_path)
    side = network.pretrained_cfg["input_size"][-1]
    images = torch.randint(256, (2, 3, side, side), generator=generator(0, "test"), dtype=torch.uint8)
    unit = normalize(images.float() / 255, network.pretrained_cfg["mean"], network.pretrained_cfg["std"])
    with torch.inference_mode():
        expected = network.forward_head(network.forward_features(unit), pre_logits=True)
    assert torch.allclose(extractor(images), expected, atol=1e-4)
    assert extractor.title == f"test_resnet, {side} px bicubic"
    assert extractor(images[:, :1, :20, :30]).shape == expected.shape


def test_unknown_timm_model_names_the_nearest() -> None:
    with pytest.raises(UserMistake, match="no such model; allowed: resnet10t, ") as caught:
        load_extractor("timm:resnet10x", CPU)
    assert "\n" not in str(caught.value)
