"""From a home, to the configuration files of every service and the clouds.yaml of its users."""

import json
from collections.abc import Mapping
from pathlib import Path

from reconciler.devcloud.layout import HOST, REGION, Home, write_private
from reconciler.devcloud.services import GLANCE

Section = Mapping[str, object]
Sections = Mapping[str, Section]

# Every service would use a broker to reach agents; there are none, so its messages go nowhere.
NO_BROKER = "fake://"


def write_config(home: Home, venv: Path) -> bool:
    """Write every file that differs from what it should hold; tell whether any did."""
    shared = venv / "etc"
    texts = {
        "keystone/keystone.conf": keystone(home),
        "glance/glance-api.conf": glance(home, shared / "glance"),
        "placement/placement.conf": placement(home),
        "nova/nova.conf": nova(home),
        "neutron/neutron.conf": neutron(home, shared / "neutron"),
        "neutron/ml2_conf.ini": NEUTRON_ML2,
        "cinder/cinder.conf": cinder(home, shared / "cinder"),
    }
    files = {home.etc / name: as_ini(sections) for name, sections in texts.items()}
    # Nova looks for this one only beside its nova.conf.
    files[home.etc / "nova/api-paste.ini"] = (shared / "nova/api-paste.ini").read_text()
    files[home.clouds] = clouds_yaml(home)
    changed = [path for path, text in files.items() if not holds(path, text)]
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, files[path])
    return bool(changed)


def clouds_yaml(home: Home) -> str:
    """Three ways in for the admin: for one project, for the domain, for the whole system."""
    who = {
        "auth_url": home.identity,
        "username": "admin",
        "password": home.password,
        "user_domain_name": "Default",
    }
    scopes = {
        "devcloud": {"project_name": "admin", "project_domain_name": "Default"},
        "devcloud-domain": {"domain_name": "Default"},
        "devcloud-system": {"system_scope": "all"},
    }
    lines = ["clouds:"]
    for name, scope in scopes.items():
        lines += [f"  {name}:", f"    region_name: {REGION}", "    auth:"]
        lines += [f"      {key}: {json.dumps(value)}" for key, value in {**who, **scope}.items()]
    return "\n".join(lines) + "\n"


def as_ini(sections: Sections) -> str:
    blocks = (
        "\n".join([f"[{name}]", *(f"{key} = {value}" for key, value in section.items())])
        for name, section in sections.items()
    )
    return "\n\n".join(blocks) + "\n"


def holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text


def keystone(home: Home) -> Sections:
    return {
        "DEFAULT": {"use_stderr": "true"},
        "database": database(home, "keystone"),
        "token": {"provider": "fernet", "expiration": 86400},
        "fernet_tokens": {"key_repository": home.data / "fernet-keys"},
        "fernet_receipts": {"key_repository": home.data / "fernet-keys"},
        "credential": {"key_repository": home.data / "credential-keys"},
        # Keystone 30 writes a traceback for each answer with an attribute it has no schema for:
        # for each listing of objects that carry a mark.
        "api": {"response_validation": "ignore"},
        # The least that bcrypt allows: each login with a password takes 0.2 s less.
        "identity": {"password_hash_rounds": 4},
    }


def glance(home: Home, shared: Path) -> Sections:
    images = home.data / "images"
    return {
        "DEFAULT": {
            "use_stderr": "true",
            "transport_url": NO_BROKER,
            "enabled_backends": "store:file",
            "enabled_import_methods": "[glance-direct,web-download,copy-image]",
            "worker_self_reference_url": home.url(GLANCE),
        },
        "database": database(home, "glance"),
        "glance_store": {"default_backend": "store"},
        "store": {"filesystem_store_datadir": images / "store"},
        "os_glance_staging_store": {"filesystem_store_datadir": images / "staging"},
        "os_glance_tasks_store": {"filesystem_store_datadir": images / "tasks"},
        # Glance downloads nothing from the loopback interface unless it is named here.
        "import_filtering_opts": {"allowed_hosts": f"[{HOST},localhost]", "allowed_ports": "[]"},
        "keystone_authtoken": token_check(home, "glance"),
        "paste_deploy": {"flavor": "keystone", "config_file": shared / "glance-api-paste.ini"},
        "oslo_concurrency": locks(home),
    }


def placement(home: Home) -> Sections:
    return {
        "DEFAULT": {"use_stderr": "true"},
        "placement_database": database(home, "placement"),
        "api": {"auth_strategy": "keystone"},
        "keystone_authtoken": token_check(home, "placement"),
    }


def nova(home: Home) -> Sections:
    return {
        "DEFAULT": {
            "use_stderr": "true",
            "transport_url": NO_BROKER,
            "state_path": home.data / "nova",
            "my_ip": HOST,
            "host": "devcloud",
        },
        "api_database": database(home, "nova_api"),
        "database": database(home, "nova"),
        "keystone_authtoken": token_check(home, "nova"),
        "service_user": {**login(home, "nova"), "send_service_user_token": "true"},
        "keystone": login(home, "nova"),
        "placement": login(home, "placement"),
        "neutron": login(home, "neutron"),
        "cinder": {**login(home, "cinder"), "os_region_name": REGION},
        "glance": login(home, "glance"),
        "oslo_concurrency": locks(home),
    }


def neutron(home: Home, shared: Path) -> Sections:
    return {
        "DEFAULT": {
            "use_stderr": "true",
            "transport_url": NO_BROKER,
            "state_path": home.data / "neutron",
            "host": "devcloud",
            "auth_strategy": "keystone",
            "core_plugin": "ml2",
            "service_plugins": (
                "router,qos,trunk,segments,auto_allocate,port_forwarding,"
                "network_ip_availability,tag,flavors,metering"
            ),
            "api_paste_config": shared / "api-paste.ini",
            "notify_nova_on_port_status_changes": "false",
            "notify_nova_on_port_data_changes": "false",
            "dhcp_agent_notification": "false",
            "rpc_workers": 0,
            "global_physnet_mtu": 1500,
            # With the domain that is preset Neutron forgets the DNS names of ports.
            "dns_domain": "devcloud.example.",
        },
        "database": database(home, "neutron"),
        "keystone_authtoken": token_check(home, "neutron"),
        "nova": login(home, "nova"),
        "placement": login(home, "placement"),
        "oslo_concurrency": locks(home),
    }


NEUTRON_ML2: Sections = {
    # Open vSwitch without its agent: ports stay unbound, while the drivers for QoS and trunks
    # register, so those APIs answer as on a real cloud.
    "ml2": {
        "type_drivers": "local,flat,vlan,vxlan,geneve",
        "tenant_network_types": "geneve,vxlan",
        "mechanism_drivers": "openvswitch",
        # The last of the three DNS drivers, which does what the others do, too.
        "extension_drivers": (
            "port_security,qos,subnet_dns_publish_fixed_ip,data_plane_status,"
            "uplink_status_propagation"
        ),
    },
    "ml2_type_flat": {"flat_networks": "*"},
    "ml2_type_vlan": {"network_vlan_ranges": "physnet1:100:999,physnet2"},
    "ml2_type_vxlan": {"vni_ranges": "1:4999"},
    "ml2_type_geneve": {"vni_ranges": "5000:9999"},
}


def cinder(home: Home, shared: Path) -> Sections:
    return {
        "DEFAULT": {
            "use_stderr": "true",
            "transport_url": NO_BROKER,
            "state_path": home.data / "cinder",
            "auth_strategy": "keystone",
            "host": "devcloud",
            "api_paste_config": shared / "api-paste.ini",
            "resource_query_filters_file": shared / "resource_filters.json",
        },
        "database": database(home, "cinder"),
        "keystone_authtoken": token_check(home, "cinder"),
        "nova": login(home, "nova"),
        "coordination": {"backend_url": f"file://{home.data / 'cinder'}"},
        "oslo_concurrency": locks(home),
    }


def database(home: Home, name: str) -> Section:
    # Not waiting for the disk is safe when a process is killed; only a power cut could lose data.
    return {"connection": home.database_url(name), "sqlite_synchronous": "false"}


def locks(home: Home) -> Section:
    return {"lock_path": home.data / "locks"}


def login(home: Home, user: str) -> Section:
    return {
        "auth_type": "password",
        "auth_url": home.identity,
        "username": user,
        "password": home.password,
        "user_domain_name": "Default",
        "project_name": "service",
        "project_domain_name": "Default",
        "region_name": REGION,
    }


def token_check(home: Home, user: str) -> Section:
    return {
        **login(home, user),
        "www_authenticate_uri": home.identity,
        "service_token_roles_required": "true",
    }
