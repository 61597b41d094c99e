"""Pure arithmetic on features and images, and the catalogue of how each score is titled.

Imports ``statistics``. Loads torch, but for ``catalogue``.
"""
