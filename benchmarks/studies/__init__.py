"""What is compared: studies, the runs they consist of, scales, plugins.

Imports ``records``, ``scores.catalogue``, ``methods`` and ``datasets.own``. Loads no torch.
"""
