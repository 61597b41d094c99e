"""Where the time and memory of a step go.

Imports ``running``, ``figures`` and ``tables``. Loads torch.
"""
