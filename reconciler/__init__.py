"""GitOps for OpenStack: YAML in git in, the smallest change to a live cloud out."""

import os

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
"""Nobody else's code sees what is checked here, secrets among it; nor is it looked for."""

__version__ = "0.1.0"
