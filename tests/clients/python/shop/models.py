# SPDX-License-Identifier: GPL-2.0-or-later
"""The models of ../django_app.py, after the last migration."""

from django.db import models


class Maker(models.Model):
    name = models.CharField(max_length=60, unique=True)


class Item(models.Model):
    maker = models.ForeignKey(Maker, models.CASCADE, related_name="items")
    title = models.CharField(max_length=100)
    price = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    made = models.DateTimeField()
    image = models.BinaryField(default=b"")
    extra = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["title"], name="shop_title")]
