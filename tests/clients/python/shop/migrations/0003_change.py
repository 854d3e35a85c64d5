# SPDX-License-Identifier: GPL-2.0-or-later
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_data")]
    operations = [
        migrations.RenameField("Item", "name", "title"),
        migrations.AlterField("Item", "title", models.CharField(max_length=100)),
        migrations.AddField("Item", "price", models.DecimalField(
            max_digits=12, decimal_places=2, null=True)),
        migrations.AddField("Item", "extra", models.JSONField(default=dict)),
        migrations.AddIndex("Item", models.Index(fields=["title"], name="shop_title")),
    ]
