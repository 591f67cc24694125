"""A fresh database with the extension for each test, on the server TOKPAY_TEST_PG_URL."""

import os
import uuid

import psycopg2
import psycopg2.extensions
import pytest


class Database:
    """A database of its own; connections to it are in autocommit mode unless told otherwise."""

    def __init__(self, server_url, template=None):
        """A copy of the template, which nobody is connected to; without one, an empty database with the extension."""
        self.server_url = server_url
        self.name = f"tokpay_test_{uuid.uuid4().hex[:12]}"
        self.connections = []
        self.own = None
        self._on_server(f"create database {self.name}" + (f" template {template}" if template else ""))
        if template is None:
            self.execute("create extension tokpay")

    def connect(self, role=None, autocommit=True):
        connection = psycopg2.connect(self.server_url, dbname=self.name)
        connection.autocommit = True
        if role is not None:
            connection.cursor().execute(f"set role {role}")
        connection.autocommit = autocommit
        self.connections.append(connection)
        return connection

    def execute(self, statement, parameters=None):
        """The rows of one statement, none where it has no result. All are made over one connection."""
        if self.own is None:
            self.own = self.connect()
        with self.own.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def disconnect(self):
        """The next statement has a new connection."""
        for connection in self.connections:
            connection.close()
        self.connections.clear()
        self.own = None

    def open_accounts(self, count):
        """Ids of new accounts with 100 each, ascending."""
        ids = [self.execute("select tokpay.open_account()")[0][0] for _ in range(count)]
        for account in ids:
            self.execute("select tokpay.top_up(%s, 100)", [account])
        return ids

    def balances(self):
        """Those of all accounts without a name, by id."""
        return self.execute("select array_agg(balance order by id) from tokpay.accounts where name is null")[0][0]

    def faults(self):
        """The checks of verify() that are not ok."""
        return self.execute("select check_name, detail from tokpay.verify() where not ok")

    def drop(self):
        self.disconnect()
        self._on_server(f"drop database if exists {self.name} with (force)")

    def _on_server(self, statement):
        connection = psycopg2.connect(self.server_url)
        connection.autocommit = True
        connection.cursor().execute(statement)
        connection.close()


@pytest.fixture(scope="session")
def server_url():
    url = os.environ.get("TOKPAY_TEST_PG_URL")
    if not url:
        pytest.exit("TOKPAY_TEST_PG_URL is not set: a superuser's connection URI of the test server")
    return url


@pytest.fixture(scope="session")
def template(server_url):
    """The name of a database with the extension; to copy it is quicker than to create the extension again."""
    database = Database(server_url)
    database.disconnect()
    yield database.name
    database.drop()


@pytest.fixture
def new_database(server_url, template):
    """A function that makes databases; the test's end drops them."""
    databases = []

    def make():
        databases.append(Database(server_url, template))
        return databases[-1]

    yield make
    for database in databases:
        database.drop()


@pytest.fixture
def database(new_database):
    return new_database()


@pytest.fixture
def accounts(database):
    """Three accounts of the test's database; after the test its books have to be in order."""
    yield database.open_accounts(3)
    assert database.faults() == []


@pytest.fixture(scope="module")
def file_database(server_url, template):
    """One database for all tests of a file, which keep to accounts of their own."""
    database = Database(server_url, template)
    yield database
    database.drop()
