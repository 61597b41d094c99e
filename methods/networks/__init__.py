"""The networks of the algorithms, layer by layer, each with its frozen hyper-parameters.

Imports ``methods``, the room above it. Loads torch.
"""
