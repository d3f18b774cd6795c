"""Kinds of the compute service."""
