"""A frozen adapter and a pair of domains become scores; no method in training is seen here.

Imports ``scores``, ``records``, ``methods``, ``methods.parts``, ``datasets.pairs`` and ``datasets.own``. Loads torch.
"""
