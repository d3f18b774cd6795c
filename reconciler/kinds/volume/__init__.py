"""Kinds of the volume service."""
