"""Images become features: the extractors that FID and its kin compare by, and their cache.

A part of ``evaluation``. Loads torch.
"""
