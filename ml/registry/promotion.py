"""Change the champion, and list the versions."""

from pathlib import Path

from ml.registry.export import ExportedModel, export_model
from ml.registry.history import BY_HAND, ROLLBACK, Promotion, champion_before
from ml.registry.registry import CHAMPION, GUARD_TAG, MODEL_NAME, REFUSED, VERDICT_TAG, Registry
from warehouse.core.errors import ModelError, PromotionRefusedError, SettingsError

LONGEST_REASON = 500


LONGEST_VERDICT = 70


def promote(
    registry: Registry, version: int, reason: str, model_dir: Path, *, how: str = BY_HAND, override_guard: bool = False
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
        The reason is empty or too long.
    """
    reason = _checked_reason(reason)
    model = registry.version(version)
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
    logged: list[Promotion] = []
    exported = export_model(
        registry, model_dir, version, settle=lambda: logged.append(registry.promote(model, reason, how))
    )
    return logged[0], exported


def roll_back(registry: Registry, reason: str, model_dir: Path) -> tuple[Promotion, ExportedModel]:
    """Call the champion before the present one back; a second time, the one before that.

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
    return promote(registry, before, reason, model_dir, how=ROLLBACK, override_guard=True)


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
            expected=f"versions of {MODEL_NAME} in {registry.uri}", found="none", remedy="run: python -m ml.train"
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
        lines += [f"  {_sentence(change)}" for change in reversed(changes)]
    return "\n".join(lines)


def _checked_reason(reason: str) -> str:
    text = " ".join(reason.split())
    if not 1 <= len(text) <= LONGEST_REASON:
        raise SettingsError(
            expected=f"a reason of 1 to {LONGEST_REASON} characters",
            found=f"{len(text):,} characters",
            remedy='say why, as in --reason "cheaper in the hold-out"',
        )
    return text


def _number(metrics: dict[str, float], name: str, digits: int) -> str:
    return f"{metrics[name]:,.{digits}f}" if name in metrics else "-"


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_VERDICT else text[: LONGEST_VERDICT - 3] + "..."


def _sentence(change: Promotion) -> str:
    previous = "none" if change.previous is None else change.previous
    guard = ", guard overridden" if change.guard == REFUSED else ""
    return (
        f"{change.when[:16]} UTC  {previous} -> {change.version}  {change.how} by {change.who}{guard}: {change.reason}"
    )
