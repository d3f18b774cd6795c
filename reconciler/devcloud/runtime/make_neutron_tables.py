"""From neutron's models, to its newest schema on SQLite.

Usage: python make_neutron_tables.py SQLALCHEMY_URL --config-file FILE ...

Neutron's migrations alter constraints, which SQLite cannot do, so the tables are made from the models
and then marked as migrated. The one set of rows that the migrations add, the templates of the rules
that every new security group gets, is taken from the migration that holds it.
"""

import gc
import importlib.util
import pathlib
import sys

gc.disable()  # it does not run long enough to need it, and loading takes a third less

import sqlalchemy as sa
from neutron.db.migration import alembic_migrations, cli
from neutron.db.migration.models import head

TEMPLATES = "default_template_rules"


def main():
    url, *words = sys.argv[1:]
    engine = sa.create_engine(url)
    sa.event.listen(engine, "connect", lambda c, _: c.execute("pragma synchronous = off"))
    metadata = head.get_metadata()
    metadata.create_all(engine)
    with engine.begin() as connection:
        add_rule_templates(connection, metadata.tables)
    engine.dispose()
    sys.argv = ["neutron-db-manage", *words, "stamp", "heads"]
    sys.exit(cli.main())


def add_rule_templates(connection, tables):
    migration = find_migration()
    for template in migration.default_template_rules:
        values = dict(template)
        attributes = connection.execute(
            sa.insert(tables["standardattributes"]).values(
                description=values.pop("description"), resource_type=migration.table_name
            )
        )
        connection.execute(
            sa.insert(tables[migration.table_name]).values(
                standard_attr_id=attributes.inserted_primary_key[0], **values
            )
        )


def find_migration():
    versions = pathlib.Path(alembic_migrations.__file__).parent / "versions"
    for path in sorted(versions.rglob("*.py")):
        if f"{TEMPLATES} = [" in path.read_text():
            spec = importlib.util.spec_from_file_location("rule_templates", path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    sys.exit("none of neutron's migrations holds the templates of security group rules")


main()
