"""The feature extractors behind FID and KID."""

import sys
from functools import cache
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import benchmarks.scores.extractors as extractors
from benchmarks.scores.digits_net import DigitsNet, looks
from benchmarks.scores.extractors import INCEPTION_FILE, Extractor, load_extractor
from benchmarks.scores.task_model import error
from datasets.contract import to_unit
from mistakes import UserMistake

CPU = torch.device("cpu")
WEIGHTS = Path(extractors.__file__).with_name("digits-v1.safetensors")
embedded = pytest.mark.parametrize("name", ["digits-v1", "random"])
loaded = cache(lambda name: load_extractor(name, CPU))


def noise(count: int, channels: int, size: int) -> Tensor:
    random = torch.Generator().manual_seed(size)
    return torch.randint(256, (count, channels, size, size), generator=random, dtype=torch.uint8)


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


# ---- Inception


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints" / INCEPTION_FILE


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
