"""From flags to settings."""

from __future__ import annotations

import argparse

from server.settings import Settings, load_settings


def settings_of(arguments: argparse.Namespace, *, only: tuple[str, ...] = ()) -> Settings:
    """The settings in force, the flags that were given first. `only`: flags that are settings; default all of them."""
    names = only or tuple(Settings.model_fields)
    return load_settings({name: getattr(arguments, name, None) for name in names})


COMMON = ("workspace", "default_model")
