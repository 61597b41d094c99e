"""Task models, trained in the same way for every row of a table.

A part of ``evaluation``. Loads torch.
"""
