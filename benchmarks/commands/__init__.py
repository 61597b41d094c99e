"""One file a command of ``bench.py``: words in, prints out, no logic of its own.

Imports every room below it. Loads no torch until a command needs it.
"""
