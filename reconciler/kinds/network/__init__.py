"""Kinds of the network service."""
