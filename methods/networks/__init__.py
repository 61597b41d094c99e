"""The networks of the algorithms, layer by layer, each with its frozen hyper-parameters.

Imports ``mistakes`` alone. Loads torch.
"""
