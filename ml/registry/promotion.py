"""Change the champion: in the registry and in the exported folder together, or in neither."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ml.registry.export import ExportedModel, export_model, holds, require_writable
from ml.registry.history import BY_HAND, ROLLBACK, Promotion, champion_before
from ml.registry.registry import Registry
from ml.registry.store import LOCK_FILE, waiting_lock
from ml.registry.versions import CHAMPION, GUARD_TAG, MODEL_NAME, REFUSED, VERDICT_TAG, RegisteredModel
from warehouse.core.errors import ModelError, PromotionRefusedError, SettingsError
from warehouse.core.exchange import recover

LONGEST_REASON = 500
LONGEST_VERDICT = 70


@contextmanager
def alone(registry: Registry, model_dir: Path) -> Iterator[None]:
    """Keep other trainings and promotions from changing the champion during the block; waits for them to end.

    The lock lies beside a SQLite store. A server is shared between machines, which no file can lock: then the lock lies
    beside the exported folder.
    """
    folder = registry.folder or model_dir.parent
    with waiting_lock(folder / LOCK_FILE, f"to change the champion of {registry.address}"):
        yield


def settle(
    registry: Registry, model: RegisteredModel, reason: str, model_dir: Path, how: str
) -> tuple[Promotion, ExportedModel]:
    """Make a version the champion of the registry and of the exported folder; both or neither.

    The export is complete and checked before the registry changes, and goes back when the registry refuses. A process
    that is killed between the two leaves a difference that `reconcile` removes. Call it within `alone`.
    """
    logged: list[Promotion] = []
    exported = export_model(
        registry, model_dir, model.version, settle=lambda: logged.append(registry.promote(model, reason, how))
    )
    return logged[0], exported


def reconcile(registry: Registry, model_dir: Path) -> ExportedModel | None:
    """Export the champion again when the folder holds something else; None when there is nothing to do.

    Call it within `alone`.

    Raises
    ------
    ModelError
        The champion cannot be exported.
    """
    require_writable(model_dir)
    with waiting_lock(model_dir.parent / f".{model_dir.name}.lock", f"to replace {model_dir}"):
        recover(model_dir)
    champion = registry.champion()
    if champion is None or holds(model_dir, champion):
        return None
    return export_model(registry, model_dir, champion.version)


def reconcile_if_possible(registry: Registry, model_dir: Path, say: Callable[[str], None]) -> ExportedModel | None:
    """`reconcile`, that reports what it did, and a champion that cannot be exported, and lets the command go on.

    A command that is about to replace the champion must not fail because the champion is damaged.
    """
    try:
        exported = reconcile(registry, model_dir)
    except ModelError as error:
        say(f"warning: {model_dir} does not hold the champion, which cannot be exported: {error}")
        return None
    if exported:
        say(f"{model_dir} did not hold the champion: exported version {exported.model.version} again")
    return exported


def promote_version(
    registry: Registry,
    version: int,
    reason: str,
    model_dir: Path,
    *,
    how: str = BY_HAND,
    override_guard: bool = False,
    say: Callable[[str], None] = print,
) -> tuple[Promotion, ExportedModel]:
    """Make a version the champion, export it and log who did so; all of it or nothing.

    Parameters
    ----------
    registry : Registry
        Holds the version.
    version : int
        The champion to be.
    reason : str
        For the log, 1 to 500 characters.
    model_dir : Path
        Folder of the exported champion; replaced only when the version is complete and answers.
    how : str
        "by hand" or "rollback".
    override_guard : bool
        Let a version pass that a guard (leakage, overfitting) has refused.
    say : callable
        Reports what a killed command left behind.

    Returns
    -------
    Promotion
        What was logged.
    ExportedModel

    Raises
    ------
    ModelError
        There is no such version, it is champion already, or it cannot be exported.
    PromotionRefusedError
        A guard (leakage, overfitting) has refused the version.
    SettingsError
        The reason is empty or too long, or the folder cannot be written.
    """
    reason = _checked_reason(reason)
    require_writable(model_dir)
    with alone(registry, model_dir):
        model = registry.version(version)
        reconcile_if_possible(registry, model_dir, say)
        if registry.aliases().get(CHAMPION) == version:
            raise ModelError(
                expected=f"a version of {MODEL_NAME} that is not champion yet",
                found=f"version {version}, the champion",
                remedy="name another one (python -m ml.promote --list), or export it again: python -m ml.export",
            )
        if model.tags.get(GUARD_TAG) == REFUSED and not override_guard:
            raise PromotionRefusedError(
                expected=f"a version of {MODEL_NAME} that no guard has refused",
                found=f"version {version}: {model.tags.get(VERDICT_TAG, 'refused')}",
                remedy="look for a feature that knows the outcome or for too large trees, or pass --override-guard",
            )
        return settle(registry, model, reason, model_dir, how)


def roll_back(registry: Registry, reason: str, model_dir: Path) -> tuple[Promotion, ExportedModel]:
    """Make the champion before the present one champion again; a second time, the one before that.

    Raises
    ------
    ModelError
        There was none, or it cannot be exported.
    SettingsError
        The reason is empty or too long.
    """
    before = champion_before(registry.promotions())
    if before is None:
        raise ModelError(
            expected=f"a champion of {MODEL_NAME} before the present one",
            found="none in the log",
            remedy="choose a version by its number (python -m ml.promote --list)",
        )
    # it has been champion, so the guard has passed it or a person has overridden the guard
    return promote_version(registry, before, reason, model_dir, how=ROLLBACK, override_guard=True)


def listing(registry: Registry) -> str:
    """Table of all versions, newest first, and of the changes of champion.

    Raises
    ------
    ModelError
        Nothing has been trained yet.
    """
    versions = registry.versions()
    if not versions:
        raise ModelError(
            expected=f"versions of {MODEL_NAME} in {registry.address}", found="none", remedy="run: python -m ml.train"
        )
    aliases: dict[int, list[str]] = {}
    for alias, version in sorted(registry.aliases().items()):
        aliases.setdefault(version, []).append(alias)
    lines = [f"{'version':>7}  {'alias':<13}{'AUC':>7}{'cost per 1,000':>16}  {'guard':<9}verdict"]
    for model in reversed(versions):
        auc, cost = (_number(model.metrics, *what) for what in (("auc", 4), ("cost_per_1000", 1)))
        verdict = _shortened(model.tags.get(VERDICT_TAG, "-"))
        alias = ", ".join(aliases.get(model.version, ["-"]))
        guard = model.tags.get(GUARD_TAG, "-")
        lines.append(f"{model.version:>7}  {alias:<13}{auc:>7}{cost:>16}  {guard:<9}{verdict}")
    changes = registry.promotions()
    if changes:
        lines += ["", "changes of champion, newest first"]
        lines += [f"  {sentence(change)}" for change in reversed(changes)]
    return "\n".join(lines)


def _checked_reason(reason: str) -> str:
    text = " ".join(reason.split())
    if not 1 <= len(text) <= LONGEST_REASON:
        raise SettingsError(
            expected=f"a reason of 1 to {LONGEST_REASON} characters",
            found=f"{len(text):,} characters",
            remedy='say why, as in --reason "lower cost on the hold-out"',
        )
    return text


def _number(metrics: dict[str, float], name: str, digits: int) -> str:
    return f"{metrics[name]:,.{digits}f}" if name in metrics else "-"


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_VERDICT else text[: LONGEST_VERDICT - 3] + "..."


def sentence(change: Promotion) -> str:
    """A change of champion in one line: when, from which version to which, by whom and why."""
    previous = "none" if change.previous is None else change.previous
    guard = ", guard overridden" if change.guard == REFUSED else ""
    return (
        f"{change.when[:16]} UTC  {previous} -> {change.version}  {change.how} by {change.who}{guard}: {change.reason}"
    )
