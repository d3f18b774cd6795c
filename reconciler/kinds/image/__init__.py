"""Kinds of the image service."""
