"""The commands of ``bench.py``, one file each: options come in, tables go out, all logic is elsewhere.

Imports ``engines``, ``report``, ``figures``, ``tables``, ``profiling``, ``studies``, ``records``, ``evaluation``
and ``running``. Loads no torch until a command needs it.
"""
