"""The models that a task is taught, the same for every row of a table.

A part of ``evaluation``. Loads torch.
"""
