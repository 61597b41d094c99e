"""The commands of ``bench.py``, one file each: options come in, tables go out, all logic is elsewhere.

Imports every room below it. Loads no torch until a command needs it.
"""
