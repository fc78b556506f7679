"""One client explained: score, decision, reasons, and where the client stands among the applicants."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.data.population import GROUPS, Place, PopulationStats
from ml.explanation.columns import Columns, FrameColumns
from ml.explanation.contributions import Contributions, Encoded, contributions, decide
from ml.explanation.reasons import Ranking, Reason, ReasonRules, client_rows, feature_entry, withheld
from ml.served.calibration import log_odds
from ml.served.scorer import GRANT, REFUSE, CreditScorer
from ml.wording.themes import PROTECTED_RULE
from warehouse.core.errors import TrainingDataError

TOP_FEATURES = 10
BATCH_ROWS = 10_000


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why a client got this decision.

    Attributes
    ----------
    probability : float
        Default probability, calibrated; 0 to 1.
    decision : str
        "grant" or "refuse".
    threshold : float
        Refused from this probability on.
    reasons : tuple of Reason
        At most four, the strongest first; for the decision that was taken.
    withheld : tuple of dict
        Protected themes that point towards the decision and are no reason: code, title, contribution.
    protected_rule : str
        What is withheld and why, in words.
    base_log_odds : float
        Of the average applicant in training.
    themes : tuple of dict
        Code, title and contribution of every theme, the strongest first. They add up, with `base_log_odds` and
        `adjustment`, to the log-odds of `probability`.
    adjustment : float
        Log-odds that averaging of probabilities, members left out and calibration add.
    features : tuple of dict
        The `TOP_FEATURES` strongest features, then those of reasons that are not among them: value, words,
        contribution, and `place` by group: shares of those with a record who have less, the same and more.
    score_place : dict of str to Place or None
        Where the probability lies among all applicants and among accepted ones; None when nobody is in the group.
    explained_share : float
        Weight of the members whose contributions are shown; 0 to 1.
    left_out : tuple of str
        Families of the other members.
    """

    probability: float
    decision: str
    threshold: float
    reasons: tuple[Reason, ...]
    withheld: tuple[dict[str, Any], ...]
    protected_rule: str
    base_log_odds: float
    themes: tuple[dict[str, Any], ...]
    adjustment: float
    features: tuple[dict[str, Any], ...]
    score_place: dict[str, Place | None]
    explained_share: float
    left_out: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold."""
        return asdict(self)


def explain_client(scorer: CreditScorer, frame_row: pd.DataFrame, population_stats: PopulationStats) -> Explanation:
    """Explain one client.

    Parameters
    ----------
    scorer : CreditScorer
        The model.
    frame_row : DataFrame of shape (1, n_columns)
        The client's raw features, as the scorer takes them.
    population_stats : PopulationStats
        Whom to compare with; made once, see `measure_population` and `PopulationStats.load`.

    Returns
    -------
    Explanation

    Raises
    ------
    TrainingDataError
        There is not exactly one row, or it lacks a feature of the model.
    """
    if len(frame_row) != 1:
        raise TrainingDataError(
            expected="one client to explain", found=f"{len(frame_row)} rows", remedy="pass one row, or use reasons_for"
        )
    frame = _checked(scorer, frame_row)
    encoded = Encoded(frame)
    decided = decide(scorer, encoded)
    parts = contributions(scorer, encoded)
    rules = ReasonRules(parts.features, population_stats)
    return explained(rules, parts, FrameColumns(frame), float(decided["probability"].iloc[0]), scorer.threshold)


def explained(
    rules: ReasonRules, parts: Contributions, client: Columns, probability: float, threshold: float
) -> Explanation:
    """The explanation of one client whose probability and contributions are known.

    Parameters
    ----------
    rules : ReasonRules
        Of the features of `parts`.
    parts : Contributions
        Of the client.
    client : Columns
        The client's raw features.
    probability, threshold : float
        0 to 1.
    """
    refused = probability >= threshold
    ranking = rules.rank(parts, client, np.array([refused]))
    reasons = rules.texts(parts, client, ranking)[0]
    stats = rules.stats
    return Explanation(
        probability=probability,
        decision=REFUSE if refused else GRANT,
        threshold=float(threshold),
        reasons=reasons,
        withheld=tuple(withheld(ranking, 0)),
        protected_rule=PROTECTED_RULE,
        base_log_odds=parts.base,
        themes=_themes(ranking),
        adjustment=float(log_odds(np.array([probability]))[0] - parts.log_odds[0]),
        features=_features(parts, client, stats, reasons),
        score_place={group: stats.score_place(group, probability) for group in GROUPS},
        explained_share=parts.explained_share,
        left_out=parts.left_out,
    )


def reasons_for(
    scorer: CreditScorer,
    frame: pd.DataFrame,
    population_stats: PopulationStats,
    refused: NDArray[np.bool_] | None = None,
) -> list[tuple[Reason, ...]]:
    """Reasons of many clients, in the order of the rows.

    Parameters
    ----------
    scorer, frame, population_stats
        As in `explain_client`, with any number of rows.
    refused : ndarray of bool of shape (n_clients,), optional
        The decisions, when they are known already.

    Returns
    -------
    list of tuple of Reason

    Raises
    ------
    TrainingDataError
        The rows lack a feature of the model.
    """
    frame = _checked(scorer, frame)
    reasons: list[tuple[Reason, ...]] = []
    rules: ReasonRules | None = None
    for start in range(0, len(frame), BATCH_ROWS):
        part = frame[start : start + BATCH_ROWS]
        encoded = Encoded(part)
        if refused is None:
            refusals = (decide(scorer, encoded)["decision"] == REFUSE).to_numpy()
        else:
            refusals = refused[start : start + BATCH_ROWS]
        parts = contributions(scorer, encoded)
        rules = rules or ReasonRules(parts.features, population_stats)
        clients = FrameColumns(part)
        reasons += rules.texts(parts, clients, rules.rank(parts, clients, refusals))
    return reasons


def _checked(scorer: CreditScorer, frame: pd.DataFrame) -> pd.DataFrame:
    """The features of the model, in its order."""
    missing = [name for name in scorer.features if name not in frame]
    if missing:
        raise TrainingDataError(
            expected=f"the {len(scorer.features)} features of the model",
            found=f"no {missing[0]}" + (f" and {len(missing) - 1} more" if len(missing) > 1 else ""),
            remedy="build the marts of the same version",
        )
    return frame[list(scorer.features)]


def _themes(ranking: Ranking) -> tuple[dict[str, Any], ...]:
    entries = [
        {"code": theme.code, "title": theme.title, "contribution": float(value), "protected": theme.protected}
        for theme, value in zip(ranking.listed, ranking.contribution[0], strict=True)
        if value
    ]
    return tuple(sorted(entries, key=lambda entry: -abs(entry["contribution"])))


def _features(
    parts: Contributions, client: Columns, stats: PopulationStats, reasons: tuple[Reason, ...]
) -> tuple[dict[str, Any], ...]:
    row = client_rows(client)[0]
    strongest = np.argsort(-np.abs(parts.values[0]), kind="stable")[:TOP_FEATURES].tolist()
    shown = dict.fromkeys([*strongest, *(parts.features.index(reason.feature) for reason in reasons)])
    return tuple(_placed(feature_entry(parts, row, 0, at, stats), stats) for at in shown)


def _placed(entry: dict[str, Any], stats: PopulationStats) -> dict[str, Any]:
    """A feature with its place among all applicants and among accepted ones."""
    value, name = entry["value"], entry["feature"]
    if isinstance(value, str):
        places: dict[str, Place | None] = {group: _text_place(stats, group, name, value) for group in GROUPS}
    else:
        places = {group: None if value is None else stats.place(group, name, value) for group in GROUPS}
    return entry | {"place": places}


def _text_place(stats: PopulationStats, group: str, name: str, value: str) -> Place:
    same = stats.categories[group].get(name, {}).get(value, 0.0)
    return Place(None, same, None)
