"""One reader for each published data set.

Imports ``datasets``, the room above it. Loads torch.
"""
