"""One reader for each published data set.

Imports ``files`` and the contract. Loads torch.
"""
