"""From clouds.yaml or the environment to a session: by openstacksdk's reader, without its rest."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING, Any

import keystoneauth1.exceptions as ks
from keystoneauth1.session import Session

from reconciler.cloud.lean import LeanSession
from reconciler.errors import SettingsError
from reconciler.hide import hide

if TYPE_CHECKING:
    from openstack.config.cloud_region import CloudRegion

USER_AGENT = "openstack-reconciler"


def open_session(name: str, region: str) -> tuple[CloudRegion, Session]:
    """Give openstacksdk's settings of a cloud, or of the environment's, and a session from them.

    Raises:
        SettingsError: there are none, or they are incomplete.

    """
    config, errors = (import_lightly(f"openstack.{name}") for name in ("config", "exceptions"))
    try:
        loader = config.OpenStackConfig(
            app_name=USER_AGENT, session_constructor=partial(Session, session=LeanSession())
        )
        found = loader.get_one(cloud=name or None, region_name=region or None)
        return found, found.get_session()
    except (errors.ConfigException, ks.ClientException, OSError) as error:
        text = hide(str(error), ())
        raise SettingsError(f"cloud {name or '(from the environment)'}: {text}") from error
    except Exception as error:  # noqa: BLE001 - its reader has errors of its own
        # The YAML of clouds.yaml is wrong; what its reader says may hold what stands there.
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        raise SettingsError(f"clouds.yaml cannot be read{place}: {type(error).__name__}") from None


def import_lightly(name: str) -> Any:
    """Import a module of openstacksdk without the package that it lies in.

    The package imports a client of every service that there is, of which we use none: half of the
    CPU that ``import openstack.config`` takes. So it is run only when somebody asks for what it
    defines, as is the library with which the sdk could count its requests.
    """
    for package in ("openstack", "prometheus_client"):
        spec = None if package in sys.modules else find_spec(package)
        if spec is not None:
            _run_later(spec)
    return import_module(name)


def _run_later(spec: ModuleSpec) -> None:
    """Let a package be run when it is first asked for what is no module in it.

    Python's own ``LazyLoader`` would run it as soon as anybody imports it.
    """
    loader, package = spec.loader, module_from_spec(spec)
    assert loader is not None  # it has a file

    def first(name: str) -> Any:
        if not name.startswith("__") and find_spec(f"{spec.name}.{name}"):
            return import_module(f"{spec.name}.{name}")
        vars(package).pop("__getattr__", None)
        loader.exec_module(package)
        return getattr(package, name)

    vars(package)["__getattr__"] = first
    sys.modules[spec.name] = package
