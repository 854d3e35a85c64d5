# SPDX-License-Identifier: GPL-2.0-or-later
from django.db import migrations, models
import django.db.models.deletion


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel("Maker", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False,
                                       verbose_name="ID")),
            ("name", models.CharField(max_length=60, unique=True)),
        ]),
        migrations.CreateModel("Item", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False,
                                       verbose_name="ID")),
            ("name", models.CharField(max_length=50)),
            ("made", models.DateTimeField()),
            ("image", models.BinaryField(default=b"")),
            ("maker", models.ForeignKey("shop.Maker", django.db.models.deletion.CASCADE,
                                        related_name="items")),
        ]),
    ]
