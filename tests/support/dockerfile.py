"""The Dockerfile taken apart, so that tests can do without Docker what its stages do."""

import json
import shlex

from warehouse.core.settings import PROJECT_ROOT

Instruction = tuple[str, str]


def instructions() -> list[Instruction]:
    """All instructions, continued lines joined, comments dropped."""
    text = (PROJECT_ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(line.split()[0], line.split(maxsplit=1)[1].strip()) for line in joined.splitlines() if line.strip()]


def stages() -> dict[str, list[Instruction]]:
    """Instructions of every stage by name, those of the stage that it builds on in front."""
    found: dict[str, list[Instruction]] = {}
    name = ""
    for keyword, rest in instructions():
        if keyword == "FROM":
            image, _, name = rest.split()
            found[name] = [*found.get(image, [(keyword, image)])]
        else:
            found[name].append((keyword, rest))
    return found


class Stage:
    """One image of the Dockerfile."""

    def __init__(self, name: str) -> None:
        self.instructions = stages()[name]

    def arguments(self, keyword: str) -> list[str]:
        """What follows each instruction of one kind."""
        return [rest for name, rest in self.instructions if name == keyword]

    def copied(self) -> dict[str, str]:
        """Source in the repository by its place in the image."""
        pairs = [[word for word in rest.split() if not word.startswith("--")] for rest in self.arguments("COPY")]
        return {target: source for source, target in pairs}

    def command(self) -> list[str]:
        """The CMD, in exec form."""
        (only,) = self.arguments("CMD")
        return json.loads(only)

    def variables(self) -> dict[str, str]:
        """What ENV sets."""
        return dict(pair.split("=", 1) for rest in self.arguments("ENV") for pair in shlex.split(rest))

    def pip_line(self) -> str:
        """The RUN that installs packages."""
        (only,) = [rest for rest in self.arguments("RUN") if rest.startswith("pip install")]
        return only
