"""Speed of the hot paths, measured with pytest-benchmark; nothing is asserted of time."""
