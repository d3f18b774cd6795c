"""The microversion of the compute service that its kinds speak."""

from __future__ import annotations

MICROVERSION = "2.86"
"""Has extra specs inline and checks them; from 2.102 on there is no rxtx_factor any more."""
