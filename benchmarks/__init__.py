"""Brings methods and data together: runs, scores, records and tables."""
