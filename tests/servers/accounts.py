# SPDX-License-Identifier: GPL-2.0-or-later
"""
The accounts and schemas that every cluster has, and the SQL that makes them.

root without password is the StatefulSet tutorial's account, and readmux's
default probe account.
"""

from dataclasses import dataclass

SCHEMAS = ("app", "app_other")


@dataclass(frozen=True)
class Account:
    name: str
    password: str
    grants: tuple               # "rights ON object"
    plugin: str = ""            # "" = the kind's default with passwords
    require_ssl: bool = False
    kinds: tuple = ("mariadb", "mysql")


# A pattern, so that a schema that does not exist is "unknown", not "denied".
_APP_GRANTS = ("ALL ON `app%`.*",)

ROOT = Account("root", "", ("ALL ON *.*",))
REPLICATION = Account("repl", "repl secret", ("REPLICATION SLAVE ON *.*",))
APP = Account("app", "app secret", _APP_GRANTS)
EMPTY = Account("empty", "", _APP_GRANTS)
LIMITED = Account("limited", "limited secret", ("ALL ON `app\\_other`.*",))
TLS_ONLY = Account("tls_only", "tls secret", _APP_GRANTS, require_ssl=True)
SECOND = Account("second", "second secret", _APP_GRANTS)
ED25519 = Account("ed25519", "ed secret", _APP_GRANTS, plugin="ed25519", kinds=("mariadb",))

ACCOUNTS = (ROOT, REPLICATION, APP, EMPTY, LIMITED, TLS_ONLY, SECOND, ED25519)


def accounts_of(kind):
    return [account for account in ACCOUNTS if kind in account.kinds]


def _identified(account, mariadb):
    if account.plugin:
        return f"IDENTIFIED VIA {account.plugin} USING PASSWORD('{account.password}')"
    if mariadb or not account.password:
        return f"IDENTIFIED BY '{account.password}'"
    return f"IDENTIFIED WITH caching_sha2_password BY '{account.password}'"


def setup_sql(kind):
    """Statements that make the schemas and accounts, for a server without them."""
    for schema in SCHEMAS:
        yield f"CREATE DATABASE {schema}"
    for account in accounts_of(kind):
        identified = _identified(account, kind == "mariadb")
        require = " REQUIRE SSL" if account.require_ssl else ""
        yield f"CREATE USER '{account.name}'@'%' {identified}{require}"
        option = " WITH GRANT OPTION" if account is ROOT else ""
        for grant in account.grants:
            yield f"GRANT {grant} TO '{account.name}'@'%'{option}"
