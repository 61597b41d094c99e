"""What is compared: studies, the runs they consist of, scales, plugins.

Imports ``records`` and ``scores.catalogue``. Loads no torch.
"""
