# SPDX-License-Identifier: GPL-2.0-or-later
"""
Django through readmux, with mysqlclient: migrations forward and back, and an application's
usual work, in a schema of its own.  The models and migrations are in shop/.
"""

import os
import sys
from decimal import Decimal

import django
import MySQLdb
from django.conf import settings

PORT, TLS_PORT, CA, NAME, KIND = sys.argv[1:]


def database(port, **options):
    return {"ENGINE": "django.db.backends.mysql", "HOST": "127.0.0.1", "PORT": port,
            "USER": "app", "PASSWORD": "app secret", "NAME": f"app_{NAME}",
            "OPTIONS": {"charset": "utf8mb4", **options}}


sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
settings.configure(
    DATABASES={"default": database(PORT), "tls": database(TLS_PORT, ssl={"ca": CA})},
    INSTALLED_APPS=["shop"], DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import IntegrityError, connections, transaction  # noqa: E402
from django.db.models import Count, F, Sum  # noqa: E402
from shop.models import Item, Maker  # noqa: E402


def expect(actual, expected):
    if actual != expected:
        raise AssertionError(f"expected {expected!r}, got {actual!r}")


def migrate(db):
    call_command("migrate", "shop", database=db, verbosity=0)
    expect(Item.objects.using(db).count(), 100)
    call_command("migrate", "shop", "0001", database=db, verbosity=0)
    expect(Maker.objects.using(db).count(), 0)
    call_command("migrate", "shop", database=db, verbosity=0)
    call_command("makemigrations", "shop", check_changes=True, dry_run=True, verbosity=0)


def objects(db):
    maker = Maker.objects.using(db).get()
    expect(maker.name, "Žluť 🐬")
    item = maker.items.create(title="one ' \" \\ %", price=Decimal("1234567890.12"),
                              made=maker.items.first().made, image=bytes(range(256)),
                              extra={"list": [1, None, "日本"]})
    again = Item.objects.using(db).select_related("maker").get(pk=item.pk)
    for field in ("title", "price", "made", "image", "extra", "maker"):
        expect(getattr(again, field), getattr(item, field))
    expect(Item.objects.using(db).filter(pk=item.pk).update(price=F("price") + 1), 1)
    item.refresh_from_db()
    expect(item.price, Decimal("1234567891.12"))
    expect(Item.objects.using(db).aggregate(Sum("price"), Count("id")),
           {"price__sum": Decimal("1234567891.12"), "id__count": 101})
    made, created = Maker.objects.using(db).get_or_create(name="second")
    expect(created, True)
    expect(Maker.objects.using(db).get_or_create(name="second"), (made, False))
    expect(len(list(Item.objects.using(db).iterator(chunk_size=10))), 101)


def transactions(db):
    names = Maker.objects.using(db).order_by("name").values_list("name", flat=True)
    try:
        with transaction.atomic(using=db):
            Maker.objects.using(db).create(name="lost")
            expect(names.filter(name="lost").exists(), True)
            raise KeyError
    except KeyError:
        pass
    with transaction.atomic(using=db):
        Maker.objects.using(db).create(name="kept")
        try:
            with transaction.atomic(using=db):          # a savepoint
                Maker.objects.using(db).create(name="inner")
                Maker.objects.using(db).create(name="kept")
        except IntegrityError as error:
            expect(error.args[0], 1062)
        Maker.objects.using(db).select_for_update().get(name="kept")
    expect(set(names), {"Žluť 🐬", "second", "kept"})


def reads(db):
    connections[db].close()
    with connections[db].cursor() as cursor:
        for _ in range(20):
            cursor.execute("SELECT @@server_id")
            print("text", cursor.fetchone()[0])


def as_administrator(sql):
    connection = MySQLdb.connect(host="127.0.0.1", port=int(PORT), user="app",
                                 password="app secret")
    connection.query(sql)
    connection.close()


as_administrator(f"CREATE DATABASE app_{NAME} CHARACTER SET utf8mb4")
for db in ("default", "tls"):
    for part in (migrate, objects, transactions, reads):
        part(db)
    call_command("migrate", "shop", "zero", database=db, verbosity=0)
    connections[db].close()
as_administrator(f"DROP DATABASE app_{NAME}")
print("done")
