# SPDX-License-Identifier: GPL-2.0-or-later
import datetime

from django.db import migrations


def fill(apps, _):
    maker = apps.get_model("shop", "Maker").objects.create(name="Žluť 🐬")
    made = datetime.datetime(2024, 2, 29, 23, 59, 59, 123456, tzinfo=datetime.timezone.utc)
    apps.get_model("shop", "Item").objects.bulk_create(
        apps.get_model("shop", "Item")(maker=maker, name=f"item {n}", made=made)
        for n in range(100))


def empty(apps, _):
    apps.get_model("shop", "Maker").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.RunPython(fill, empty)]
