"""Pure arithmetic on features and images, and the catalogue of how each score is titled.

Imports ``statistics`` and ``datasets``. Loads torch, but for ``scores.catalogue``, which imports ``datasets.tasks`` alone.
"""
