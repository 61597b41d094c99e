"""The ingredients of the algorithms: frozen hyper-parameters with the pure computation on them.

Imports ``methods``, the room above it. Loads torch.
"""
