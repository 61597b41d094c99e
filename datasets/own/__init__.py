"""A pair made of a user's own folders: the TOML file, the images, their labels.

Imports ``datasets``, the room above it. ``form`` loads no torch, the rest does.
"""
