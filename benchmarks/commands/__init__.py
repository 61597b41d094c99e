"""The commands of ``bench.py`` beside runs and lists: words in, prints out, no logic of their own."""
