"""From the name of a module that holds a WSGI application, to a server on the loopback interface.

Usage: python serve.py MODULE HOST PORT THREADS [WORDS...]. It runs inside the services' own virtual
environment. It returns at once and serves from a process of its own, which no terminal ends. The
services read sys.argv when they are imported, so they get WORDS and nothing else.

Two settings make a service behave on SQLite as it does on MySQL or MariaDB:

* foreign keys are enforced, so ON DELETE CASCADE works: without it keystone answers 404 to everything
  once a role that occurs in a role inference is deleted;
* a transaction that may write takes the write lock when it begins, and waits for it. SQLite's default
  takes it at the first write, where a transaction that has already read cannot wait and fails at once
  with "database is locked". Readers begin plainly: a service that reads in one session while it writes
  in another would lock itself out.
"""

import gc
import importlib
import os
import sys

WRITES = "devcloud_writes"


def settle_sqlite():
    import sqlalchemy
    from oslo_db.sqlalchemy import enginefacade
    from sqlalchemy import event, orm

    create_session = enginefacade._TransactionFactory._create_session

    def create_noted_session(factory, mode, *args, **kwargs):
        session = create_session(factory, mode, *args, **kwargs)
        session.info[WRITES] = mode is enginefacade._WRITER
        return session

    enginefacade._TransactionFactory._create_session = create_noted_session

    @event.listens_for(sqlalchemy.Engine, "connect")
    def enforce_foreign_keys(connection, _record):
        connection.execute("pragma foreign_keys = on")

    @event.listens_for(orm.Session, "after_begin")
    def lock_early(session, transaction, connection):
        if session.info.get(WRITES) and not transaction.nested:
            connection.exec_driver_sql("rollback")
            connection.exec_driver_sql("begin immediate")


def main():
    module, host, port, threads, *words = sys.argv[1:]
    if os.fork():
        os._exit(0)
    os.setsid()
    sys.argv = ["devcloud", *words]
    # What is loaded stays: looking through it for garbage would take a third of the time to start.
    gc.disable()
    settle_sqlite()
    import waitress

    application = importlib.import_module(module).application
    gc.freeze()
    gc.enable()
    waitress.serve(
        application,
        host=host,
        port=int(port),
        threads=int(threads),
        ident=None,
        # Clients keep connections; waiting ones cost a file descriptor each, never a thread.
        connection_limit=1000,
        asyncore_use_poll=True,
        # Bodies past 512 KiB wait in a file, so the only limit on an image is the disk.
        max_request_body_size=1 << 50,
    )


main()
