"""Images become features: the extractors for FID and its kin, and the cache of features.

A part of ``evaluation``. Loads torch.
"""
