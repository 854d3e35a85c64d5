# SPDX-License-Identifier: GPL-2.0-or-later
"""Logins by every method, right and wrong (DESIGN.md section 6)."""

import subprocess

import pymysql
import pytest

from capi import CClient, CError
from readmux import TLS, one, rows
from servers.accounts import APP, ED25519, EMPTY, LIMITED, ROOT, SECOND, TLS_ONLY
from servers import kind_named, wait_until
from wire import Refused, Wire

TRANSPORTS = {"plain": {}, "tls": TLS}


@pytest.fixture(params=TRANSPORTS)
def transport(request):
    return TRANSPORTS[request.param]


def refused(connect, *arguments, **options):
    """The error number of a login that must fail."""
    with pytest.raises(pymysql.err.MySQLError) as failure:
        connect(*arguments, **options).close()
    return failure.value.args


def accepted(connect):
    """A connection, or None while there are too many."""
    try:
        return connect()
    except pymysql.err.OperationalError as error:
        assert error.args[0] == 1040
        return None


@pytest.mark.smoke
@pytest.mark.parametrize("account", (APP, SECOND, EMPTY, ROOT), ids=lambda a: a.name)
def test_right_password(readmux, transport, account):
    for _ in range(3):          # the first may teach readmux what the others use
        connection = readmux.connect(account.name, account.password, **transport)
        assert one(connection, "SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1)") == account.name
        assert one(connection, "SELECT DATABASE()") == "app"
        connection.close()


def test_tls_is_used(readmux):
    with Wire(readmux.port) as wire:
        wire.log_in(APP.name, APP.password, "caching_sha2_password", "app", tls=True)
        assert wire.socket.version() in ("TLSv1.2", "TLSv1.3")
        assert wire.query("SELECT 'seen'") == [[b"seen"]]


def test_account_that_requires_tls(readmux):
    connection = readmux.connect(TLS_ONLY.name, TLS_ONLY.password, **TLS)
    assert one(connection, "SELECT 1") == 1
    connection.close()


@pytest.mark.parametrize("account, password", (
    (APP, "wrong"),
    (APP, ""),
    (APP, APP.password + "x"),
    (EMPTY, "wrong"),
), ids=("wrong", "empty", "longer", "given-for-empty"))
def test_wrong_password(readmux, transport, account, password):
    number, text = refused(readmux.connect, account.name, password, **transport)
    assert number == 1045
    using = "YES" if password else "NO"
    assert text == f"Access denied for user '{account.name}'@'127.0.0.1' (using password: {using})"
    readmux.connect(account.name, account.password, **transport).close()


def test_wrong_password_after_a_right_one(readmux, transport):
    readmux.connect(**transport).close()
    assert refused(readmux.connect, APP.name, "wrong", **transport)[0] == 1045


@pytest.mark.smoke
@pytest.mark.parametrize("password", ("", "some"))
def test_unknown_user(readmux, transport, password):
    assert refused(readmux.connect, "nobody", password, **transport)[0] == 1045


def test_unknown_schema(readmux, transport):
    number, text = refused(readmux.connect, database="app_missing", **transport)
    assert (number, text) == (1049, "Unknown database 'app_missing'")


def test_forbidden_schema(readmux, transport):
    options = {"user": LIMITED.name, "password": LIMITED.password, **transport}
    assert refused(readmux.connect, **options)[0] == 1044
    connection = readmux.connect(database="app_other", **options)
    assert one(connection, "SELECT DATABASE()") == "app_other"
    connection.close()


def test_without_schema(readmux):
    connection = readmux.connect(database=None)
    assert one(connection, "SELECT DATABASE()") is None
    with pytest.raises(pymysql.err.MySQLError) as failure:
        rows(connection, "SELECT * FROM some_table")
    assert failure.value.args[0] == 1046
    connection.close()


# ------------------------------------------------------------ how the login went

def test_greeting_mirrors_the_primary(readmux, cluster, kind):
    with Wire(cluster.primary.port) as direct, Wire(readmux.port) as through:
        servers_own, ours = direct.read_greeting(), through.read_greeting()
    assert ours.version == servers_own.version
    assert ours.plugin == servers_own.plugin == kind_named(kind).default_plugin
    assert ours.salt != servers_own.salt and len(set(ours.salt)) > 4
    assert b"\0" not in ours.salt


def test_connection_ids_differ_and_are_told(readmux):
    with Wire(readmux.port) as first, Wire(readmux.port) as second:
        assert first.read_greeting().thread_id != second.read_greeting().thread_id


def traced_login(readmux, account, plugin, tls=False, password=None):
    with Wire(readmux.port) as wire:
        wire.log_in(account.name, account.password if password is None else password,
                    plugin, "app", tls)
        assert wire.query("SELECT 6 * 7") == [[b"42"]]
        return wire.trace


@pytest.mark.only("mariadb")
def test_native_in_one_step(readmux, kind):
    """With an account table that the probe may read, a native password needs no round trip."""
    assert traced_login(readmux, APP, "mysql_native_password") == ["ok"]
    with pytest.raises(Refused) as failure:
        traced_login(readmux, APP, "mysql_native_password", password="wrong")
    assert (failure.value.number, failure.value.sqlstate) == (1045, "28000")


@pytest.mark.only("mysql")
@pytest.mark.parametrize("tls, way", ((False, "full over RSA"), (True, "full over TLS")),
                         ids=("rsa", "tls"))
def test_caching_sha2_full_then_fast(start_readmux, kind, tls, way):
    """A new readmux must ask for the password once, and never again."""
    fresh = start_readmux()
    assert traced_login(fresh, SECOND, "caching_sha2_password", tls) == [way, "ok"]
    for _ in range(3):
        assert traced_login(fresh, SECOND, "caching_sha2_password", tls) == ["fast", "ok"]
    with pytest.raises(Refused) as failure:
        traced_login(fresh, SECOND, "caching_sha2_password", tls, password="wrong")
    assert failure.value.number == 1045


def test_clear_password_over_tls(start_readmux):
    trace = traced_login(start_readmux(), SECOND, "mysql_clear_password", tls=True)
    assert trace[-1] == "ok"


def test_clear_password_is_never_asked_for_in_the_clear(start_readmux):
    with Wire(start_readmux().port) as wire:
        wire.log_in(SECOND.name, SECOND.password, "mysql_clear_password", "app")
        assert "switch to mysql_clear_password" not in wire.trace
        assert len(wire.trace) > 1, "a password in the clear was taken as it came"


def test_password_changed_at_the_server(readmux, cluster, transport):
    """What readmux has learned is forgotten when a server no longer takes it."""
    cluster.primary.sql("CREATE USER changing IDENTIFIED BY 'before'",
                        "GRANT ALL ON app.* TO changing")
    cluster.wait_caught_up()
    try:
        for _ in range(2):
            readmux.connect("changing", "before", **transport).close()
        cluster.primary.sql("ALTER USER changing IDENTIFIED BY 'after'")
        cluster.wait_caught_up()
        connection = readmux.connect("changing", "after", **transport)
        assert one(connection, "SELECT 1") == 1
        connection.close()
    finally:
        cluster.primary.sql("DROP USER changing")


@pytest.mark.only("mariadb")
def test_unsupported_plugin_is_refused_clearly(readmux, cluster, kind):
    done = run_client(kind, readmux.port, ED25519, "--ssl")
    assert done.returncode != 0
    assert "ERROR" in done.stderr and "ed25519" in done.stderr, done.stderr


# -------------------------------------------------------------------- too many

def test_too_many_sessions(start_readmux):
    few = start_readmux(sessions={"max": 3})
    connections = [few.connect() for _ in range(3)]
    number, text = refused(few.connect)
    assert number == 1040 and text.startswith("Too many connections")
    assert one(connections[0], "SELECT 1") == 1
    connections.pop().close()
    connections.append(wait_until(lambda: accepted(few.connect), "the place is free again"))
    for connection in connections:
        connection.close()


def test_servers_that_are_full(start_readmux, cluster):
    """Their own error reaches the client."""
    process, taken = start_readmux(), []
    masters = [server.connect() for server in cluster.servers]  # in before they are full
    before = [one(master, "SELECT @@max_connections") for master in masters]
    try:
        for server, master in zip(cluster.servers, masters):
            rows(master, "SET GLOBAL max_connections = 10")
            with pytest.raises(pymysql.err.OperationalError, match="1040"):
                while True:
                    taken.append(server.connect(APP.name, APP.password))
        number, text = refused(process.connect, SECOND.name, SECOND.password)
        assert (number, text) == (1040, "Too many connections")
    finally:
        for limit, master in zip(before, masters):
            rows(master, f"SET GLOBAL max_connections = {limit}")
            master.close()
        for connection in taken:
            connection.close()
    process.connect(SECOND.name, SECOND.password).close()


def test_too_many_failures(start_readmux):
    strict = start_readmux(login={"failures": 3})
    for _ in range(3):
        assert refused(strict.connect, SECOND.name, "wrong")[0] == 1045
    number, text = refused(strict.connect, SECOND.name, SECOND.password)
    assert number == 1129 and SECOND.name in text
    strict.connect().close()            # others are not concerned


def test_slow_login_is_ended(start_readmux):
    impatient = start_readmux(login={"timeout": "300ms"})
    with Wire(impatient.port) as wire:
        wire.read_greeting()
        with pytest.raises(Refused) as failure:
            wire.read_good_packet()
        assert failure.value.number == 1159
        assert wire.read_to_end() == b""


def test_tls_required(start_readmux):
    strict = start_readmux(client=TLS, tls={"mode": "required"})
    number, text = refused(strict.connect, ssl=None)
    assert number == 3159 and "TLS" in text
    connection = strict.connect()
    assert one(connection, "SELECT 1") == 1
    connection.close()


# --------------------------------------------------- while the session goes on

def test_change_user(readmux):
    with CClient(readmux.port, APP.name, APP.password, "app") as client:
        client.rows("SET @mine = 1")
        client.rows("CREATE TEMPORARY TABLE gone (a INT)")
        client.change_user(SECOND.name, SECOND.password, "app_other")
        assert client.one("SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1)") == SECOND.name
        assert client.one("SELECT DATABASE()") == "app_other"
        assert client.one("SELECT @mine") is None
        client.change_user(APP.name, APP.password, "app")
        with pytest.raises(CError) as failure:
            client.rows("SELECT * FROM gone")
        assert failure.value.number == 1146


def change_refused(client, number):
    with pytest.raises(CError) as failure:
        client.change_user(SECOND.name, "wrong", "app_other")
    assert failure.value.number == number


@pytest.mark.parametrize("where", ("direct", "readmux"))
def test_change_user_refused(readmux, cluster, kind, where):
    port = readmux.port if where == "readmux" else cluster.primary.port
    with CClient(port, APP.name, APP.password, "app") as client:
        client.rows("SET NAMES latin1")
        client.rows("SET @mine = 1, sql_mode = 'ANSI'")
        change_refused(client, 1045)
        if kind == "mysql":
            with pytest.raises(CError):
                client.rows("SELECT 1")
            return
        assert client.one("SELECT SUBSTRING_INDEX(USER(), '@', 1)") == APP.name
        assert client.one("SELECT CONCAT_WS(' ', DATABASE(), @@character_set_client)") == \
            "app latin1"
        assert client.one("SELECT @mine") is None
        assert "ANSI" not in client.one("SELECT @@sql_mode")
        for number in (1045, 1045, 1047, 1047):
            change_refused(client, number)
        assert client.one("SELECT 1") == "1"


def test_reset_connection(readmux):
    with CClient(readmux.port, APP.name, APP.password, "app") as client:
        default = client.one("SELECT @@sql_mode")
        client.rows("SET @mine = 1, sql_mode = 'ANSI'")
        client.rows("CREATE TEMPORARY TABLE gone (a INT)")
        client.rows("BEGIN")
        client.reset()
        for _ in range(6):
            assert client.one("SELECT @@sql_mode") == default
            assert client.one("SELECT @mine") is None
        with pytest.raises(CError) as failure:
            client.rows("SELECT * FROM gone")
        assert failure.value.number == 1146
        assert client.one("SELECT @@server_id") != "100"        # the transaction is over
        assert client.one("SELECT DATABASE()") == "app"


# ------------------------------------------------------- the stock command lines

def run_client(kind, port, account, *options, sql="SELECT CURRENT_USER(), @@server_id",
               password=None):
    password = account.password if password is None else password
    command = [*kind_named(kind).client_command(), "--host=127.0.0.1", f"--port={port}",
               f"--user={account.name}", f"--password={password}", "--batch",
               "--skip-column-names", *options, "-e", sql, "app"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


CLIENT_TRANSPORTS = {
    "mariadb": {"plain": ["--skip-ssl"], "tls": ["--ssl"]},
    "mysql": {"plain": ["--ssl-mode=DISABLED", "--get-server-public-key"],
              "tls": ["--ssl-mode=REQUIRED"]},
}


@pytest.mark.smoke
@pytest.mark.parametrize("way", ("plain", "tls"))
def test_stock_client(readmux, kind, way):
    options = CLIENT_TRANSPORTS[kind][way]
    for account in (APP, EMPTY):
        done = run_client(kind, readmux.port, account, *options)
        assert done.returncode == 0, done.stderr
        user, server_id = done.stdout.split()
        assert user == f"{account.name}@%" and server_id in ("101", "102")
    done = run_client(kind, readmux.port, APP, *options, password="wrong")
    assert done.returncode == 1 and "ERROR 1045 (28000)" in done.stderr


@pytest.mark.only("mysql")
@pytest.mark.parametrize("way", ("plain", "tls"))
def test_mariadb_client_before_mysql(readmux, kind, way):
    done = run_client("mariadb", readmux.port, APP, *CLIENT_TRANSPORTS["mariadb"][way])
    assert done.returncode == 0, done.stderr


# ----------------------------------------------------------------- expired passwords

CAN_HANDLE_EXPIRED_PASSWORDS = 1 << 22
PLUGINS = {"mariadb": "mysql_native_password", "mysql": "caching_sha2_password"}
CHANGE = {"mariadb": "SET PASSWORD = PASSWORD('fresh-{}')",
          "mysql": "ALTER USER USER() IDENTIFIED BY 'fresh-{}'"}


@pytest.mark.parametrize("where", ("direct", "readmux"))
@pytest.mark.parametrize("schema", ("", "app"))
def test_an_expired_password_can_be_changed(readmux, cluster, kind, where, schema):
    port = readmux.port if where == "readmux" else cluster.primary.port
    user = f"expired_{where}_{schema or 'none'}"
    cluster.primary.sql(f"CREATE USER {user} IDENTIFIED BY 'stale' PASSWORD EXPIRE",
                        f"GRANT ALL ON app.* TO {user}")
    cluster.wait_caught_up()
    try:
        with Wire(port) as wire:
            wire.extra = CAN_HANDLE_EXPIRED_PASSWORDS
            wire.log_in(user, "stale", PLUGINS[kind], schema, tls=True)
            with pytest.raises(Refused, match="1820"):
                wire.query("SELECT 1")
            wire.query(CHANGE[kind].format(where))
            assert wire.query("SELECT DATABASE()") == [[schema.encode() or None]]
        with Wire(port) as wire:
            wire.log_in(user, f"fresh-{where}", PLUGINS[kind], schema, tls=True)
            assert wire.query("SELECT 1") == [[b"1"]]
    finally:
        cluster.primary.sql(f"DROP USER {user}")
