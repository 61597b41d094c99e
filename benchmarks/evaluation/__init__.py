"""A frozen adapter and a pair of domains become scores; no method in training is seen here.

Imports ``scores`` and ``records``. Loads torch.
"""
