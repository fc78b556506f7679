"""The lock and the direct dependencies agree."""

import re
import tomllib

from warehouse.core.settings import PROJECT_ROOT


def locked_versions() -> dict[str, str]:
    lines = (PROJECT_ROOT / "requirements.txt").read_text().splitlines()
    return dict(re.match(r"([a-z0-9._-]+)==([^ ;]+)", line).groups() for line in lines if re.match(r"[a-z0-9]", line))


def test_every_direct_dependency_is_locked_at_its_version():
    groups = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["dependency-groups"]
    without_extras = [re.sub(r"\[[a-z,]+\]", "", requirement) for group in groups.values() for requirement in group]
    direct = dict(requirement.split("==") for requirement in without_extras)
    locked = locked_versions()
    assert {name: locked.get(name) for name in direct} == direct


def test_the_lock_names_no_registry():
    text = (PROJECT_ROOT / "requirements.txt").read_text()
    assert "://" not in text and "--index" not in text and "--find-links" not in text
