"""Change a few things of the campus cloud by hand, as somebody at a dashboard would."""

from __future__ import annotations

import openstack

if __name__ == "__main__":
    cloud = openstack.connect()
    project = cloud.identity.find_project("IFSC")
    cloud.identity.update_project(project, description="changed by hand")
    print("changed the description of the project IFSC")

    user = cloud.identity.find_user("rafael")
    cloud.identity.update_user(user, email="rafael@elsewhere.example")
    print("changed the address of the user rafael")

    admin = cloud.identity.find_role("admin")
    cloud.identity.assign_project_role_to_user(project, user, admin)
    print("gave rafael the role admin on IFSC")

    image = cloud.image.find_image("ubuntu-24.04")
    cloud.image.update_image(image, os_distro="debian")
    print("said that the image ubuntu-24.04 is a debian")
