"""Kinds of the identity service."""
