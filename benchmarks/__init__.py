"""Brings methods and data together and measures: one half makes runs, the other shows them."""
