"""Ansible tasks that build a stapel image (deprecated): the ``ansible`` section."""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.errors import Place
from exporter.project.models.commands import (
    CACHE_VERSION_KEYS,
    STAGES,
    CacheVersions,
    cache_versions_of,
)
from exporter.project.models.shape import Key, Many, Shape, Values

MODULES = tuple(
    """
    command shell raw script
    openssl_certificate openssl_csr openssl_privatekey openssl_publickey
    acl archive assemble blockinfile copy file replace find ini_file iso_extract lineinfile stat
    tempfile unarchive xattr
    get_url slurp uri
    bower bundler composer cpanm easy_install gem maven_artifact npm pear pip yarn
    apk apt apt_key apt_repository apt_rpm dnf dpkg_selections debconf homebrew homebrew_cask
    homebrew_tap layman macports openbsd_pkg opkg package pacman pkg5 pkg5_publisher pkgin pkgng
    pkgutil portage portinstall pulp_repo redhat_subscription rhn_channel rhn_register rpm_key
    slackpkg sorcery svr4pkg swdepot swupd urpmi xbps yum yum_repository zypper zypper_repository
    cron user group getent locale_gen timezone
    meta assert debug fail set_fact wait_for
    """.split()  # noqa: SIM905 - one literal for each of a hundred names would not read better
)
"""The modules that a task may use (spec section 2.3)."""

_BLOCKS = ("block", "rescue", "always")


def _check_task(values: Values) -> None:
    if any(values.has(key) for key in _BLOCKS):
        return
    used = [module for module in MODULES if values.anything(module) is not None]
    if not used:
        keys = ", ".join(f"`{key}`" for key in values.keys()) or "nothing"  # noqa: SIM118 - not a mapping
        raise values.error(
            f"unsupported ansible task! It has {keys}, but none of the supported modules",
            remedy=f"Supported modules: {', '.join(MODULES)}",
        )
    if len(used) > 1:
        raise values.error(
            f"invalid ansible task! It uses more than one module: {', '.join(used)}", key=used[1]
        )


TASK = Shape(
    "ansible task",
    tuple(Key(key, Many(), f"tasks of the {key}") for key in _BLOCKS),
    is_open=True,
    check=_check_task,
)
ANSIBLE = Shape(
    "ansible",
    (
        *(Key(stage, Many(TASK), f"tasks of the {stage} stage") for stage in STAGES),
        *CACHE_VERSION_KEYS,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ansible:
    """Tasks by stage, each as the mapping that Ansible reads."""

    place: Place
    before_install: tuple[Mapping[str, object], ...]
    install: tuple[Mapping[str, object], ...]
    before_setup: tuple[Mapping[str, object], ...]
    setup: tuple[Mapping[str, object], ...]
    cache_versions: CacheVersions


def ansible_of(values: Values | None) -> Ansible | None:
    """Read an ``ansible`` section; None when there is none."""
    if values is None:
        return None
    return Ansible(
        place=values.place,
        before_install=_tasks_of(values.sections("beforeInstall")),
        install=_tasks_of(values.sections("install")),
        before_setup=_tasks_of(values.sections("beforeSetup")),
        setup=_tasks_of(values.sections("setup")),
        cache_versions=cache_versions_of(values),
    )


def _tasks_of(entries: tuple[Values, ...]) -> tuple[Mapping[str, object], ...]:
    return tuple(_task_of(values) for values in entries)


def _task_of(values: Values) -> Mapping[str, object]:
    # As in the original, a block without tasks is as good as none.
    blocks = {key: _tasks_of(tasks) for key in _BLOCKS if (tasks := values.sections(key))}
    rest = {key: values.anything(key) for key in values.keys() if key not in _BLOCKS}  # noqa: SIM118 - not a mapping
    return {**blocks, **rest}
