"""GitOps for OpenStack: YAML in git in, the smallest change to a live cloud out."""

__version__ = "0.1.0"
