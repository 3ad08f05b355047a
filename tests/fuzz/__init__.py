"""Fuzz targets for the parsers of foreign bytes."""

TARGET_NAMES = ("replies", "pushes", "xfcc", "http", "images", "requests")
"""The keys of `targets.TARGETS`, for the runner: only the processes that fuzz may import that module."""
