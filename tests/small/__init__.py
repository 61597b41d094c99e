"""Tiny data, folders, studies and records for the tests."""
