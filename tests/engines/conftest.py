"""What tests of several engines' modules need."""

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture
def threads() -> Iterator[None]:
    """Give torch back the number of threads that it had."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
