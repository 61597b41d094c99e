"""A pair made of a user's own folders: the TOML file, the images, their labels.

Imports ``files``, ``tasks`` and the contract. ``form`` loads no torch, the rest does.
"""
