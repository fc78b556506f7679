"""Synthetic clients with names, units and descriptions as the marts have them, for the tests of explanations."""

import duckdb
import numpy as np
import pandas as pd

from ml.data.catalog import Feature
from ml.data.training_set import TrainingData, read_training_data
from ml.explanation.population import measure_population
from ml.modelling.pipeline import fit_members
from ml.modelling.recipe import MemberSpec, TrainingConfig
from ml.served.calibration import Calibration
from ml.served.scorer import CreditScorer
from tests.support.tiny_warehouse import record_gate_run

CLIENTS = 1_500
THRESHOLD = 0.15
BOOSTED = (MemberSpec(),)
CATALOG = (
    ("code_gender", "category", "category", "Gender of the client. Null when not available.", None),
    ("name_family_status", "category", "category", "Family status of the client. Null when unknown.", None),
    ("days_birth", "number", "days", "Client's age in days at the time of application.", 0.6),
    ("cnt_children", "number", "count", "Number of children the client has.", 0.52),
    ("ext_source_1", "number", "score 0..1", "Normalized score from external data source.", 0.35),
    ("ext_source_2", "number", "score 0..1", "Normalized score from external data source.", 0.35),
    ("ext_source_3", "number", "score 0..1", "Normalized score from external data source.", 0.35),
    ("application_ext_source_mean", "number", "score 0..1", "Mean of the external scores that are known.", 0.3),
    ("days_employed", "number", "days", "How many days before the application the employment began.", 0.55),
    ("application_employed_to_age_ratio", "number", "ratio", "Days in the employment over age in days.", 0.45),
    ("occupation_type", "category", "category", "What kind of occupation does the client have.", None),
    ("amt_income_total", "number", "currency", "Income of the client.", 0.48),
    ("amt_credit", "number", "currency", "Credit amount of the loan.", 0.51),
    ("application_annuity_to_income_ratio", "number", "ratio", "Monthly annuity over yearly income.", 0.6),
    ("flag_own_car", "flag", "flag", "Flag if the client owns a car. 1 yes, 0 no.", 0.47),
    ("days_id_publish", "number", "days", "How many days before the application the document changed.", 0.55),
    ("has_bureau_history", "flag", "flag", "1 when the credit bureau knows a loan of the client.", 0.48),
    (
        "bureau_debt_to_credit_ratio",
        "number",
        "ratio",
        "Present debt over credit granted, both summed over all bureau loans.",
        0.62,
    ),
    ("bureau_loan_count", "number", "count", "Number of bureau loans.", 0.5),
    ("bureau_overdue_sum", "number", "currency", "Amount overdue now, summed over bureau loans.", 0.55),
    ("installments_count_365d", "number", "count", "Instalments due in the last 365 days.", 0.5),
    (
        "installments_late_share_365d",
        "number",
        "share 0..1",
        "Share of instalments paid late, over instalments due in the last 365 days.",
        0.62,
    ),
    (
        "card_utilisation_mean_12m",
        "number",
        "ratio",
        "Mean balance over limit, over monthly records of credit cards of the last 12 months.",
        0.62,
    ),
    ("previous_count", "number", "count", "Number of previous applications.", 0.5),
    ("previous_refused_share", "number", "share 0..1", "Refused among the previous applications.", 0.6),
)
FEATURES = {name: Feature(name, kind, unit, words, area) for name, kind, unit, words, area in CATALOG}


def synthetic_clients(clients: int = CLIENTS, seed: int = 0) -> pd.DataFrame:
    """Clients whose default depends on several things; a seventh have no history at the bureau."""
    random = np.random.default_rng(seed)
    scores = np.clip(random.normal(0.5, 0.2, (clients, 3)), 0.01, 0.95)
    age = -random.integers(7_500, 24_000, clients).astype(float)
    employed = np.where(random.random(clients) < 0.15, np.nan, age * random.uniform(0.02, 0.5, clients))
    known = random.random(clients) > 0.15
    debt = np.where(known, random.beta(1.5, 3, clients), np.nan)
    instalments = random.integers(1, 25, clients)
    late = random.binomial(instalments, random.beta(0.5, 5, clients)) / instalments
    card = np.where(random.random(clients) < 0.5, np.nan, random.beta(1, 2, clients))
    previous = random.integers(1, 9, clients)
    refused = random.binomial(previous, random.beta(0.7, 3, clients)) / previous
    income = random.lognormal(11.8, 0.5, clients)
    gender = random.choice(["F", "M"], clients)
    duty = random.lognormal(-1.8, 0.4, clients)
    logit = (
        -1.2
        - 5 * (scores.mean(axis=1) - 0.5)
        + 2.5 * (np.nan_to_num(debt, nan=0.5) - 0.33)
        + 6 * (late - 0.1)
        + 1.8 * (np.nan_to_num(card, nan=0.33) - 0.33)
        + 2.5 * (refused - 0.2)
        + 5 * (duty - 0.18)
        + 0.5 * (gender == "M")
        + 0.5 * (age + 15_000) / 4_000
        + 0.0002 * (np.nan_to_num(employed, nan=-2_000) + 2_500)
    )
    return pd.DataFrame(
        {
            "sk_id_curr": 100_000 + np.arange(clients),
            "target": (random.random(clients) < 1 / (1 + np.exp(-logit - random.normal(0, 0.3, clients)))).astype(int),
            "code_gender": gender,
            "name_family_status": random.choice(["Married", "Single / not married", "Widow"], clients),
            "days_birth": age,
            "cnt_children": random.integers(0, 4, clients),
            "ext_source_1": np.where(random.random(clients) < 0.3, np.nan, scores[:, 0]),
            "ext_source_2": scores[:, 1],
            "ext_source_3": scores[:, 2],
            "application_ext_source_mean": scores.mean(axis=1),
            "days_employed": employed,
            "application_employed_to_age_ratio": employed / age,
            "occupation_type": random.choice(["Drivers", "Laborers", "Managers", None], clients),
            "amt_income_total": income,
            "amt_credit": random.lognormal(13, 0.5, clients),
            "application_annuity_to_income_ratio": duty,
            "flag_own_car": random.integers(0, 2, clients),
            "days_id_publish": -random.integers(0, 6_000, clients).astype(float),
            "has_bureau_history": known.astype(int),
            "bureau_debt_to_credit_ratio": debt,
            "bureau_loan_count": np.where(known, random.integers(1, 15, clients), 0),
            "bureau_overdue_sum": np.where(known, random.exponential(200, clients).round(), np.nan),
            "installments_count_365d": instalments,
            "installments_late_share_365d": late,
            "card_utilisation_mean_12m": card,
            "previous_count": previous,
            "previous_refused_share": refused,
        }
    )  # fmt: skip


def write_explained_warehouse(path, scoring: int = 500):
    """A warehouse with a training set, a scoring set and a catalogue, approved by the quality gate."""
    clients = synthetic_clients()
    applicants = synthetic_clients(scoring, seed=1).assign(sk_id_curr=lambda frame: frame["sk_id_curr"] + 500_000)
    catalog = pd.DataFrame(CATALOG, columns=["feature", "kind", "unit", "description", "auc"])
    with duckdb.connect(str(path)) as con:
        con.register("clients", clients)
        con.register("applicants", applicants)
        con.register("catalog", catalog)
        con.execute("create schema marts")
        con.execute("create table marts.training_set as select * from clients order by hash(sk_id_curr)")
        con.execute("create table marts.scoring_set as select * exclude (target) from applicants")
        con.execute("create table marts.feature_catalog as select * from catalog")
        record_gate_run(con)
    return path


def training_data(path) -> TrainingData:
    """The training set of a warehouse from `write_explained_warehouse`."""
    return read_training_data(path)


def fitted_scorer(data: TrainingData, seed: int = 42, members=BOOSTED, seeds: int = 1) -> CreditScorer:
    """A small scorer with a calibration that is not the identity."""
    config = TrainingConfig(seed=seed, rounds=150, colsample_bytree=0.6, reg_lambda=5.0, members=members, seeds=seeds)
    pipelines, weights = fit_members(data, config)
    return CreditScorer(pipelines, Calibration("sigmoid", slope=0.9, intercept=-0.1), THRESHOLD, weights)


def applicants_frame(clients: int = 500, seed: int = 1) -> pd.DataFrame:
    """Raw features as a scorer takes them: doubles and strings."""
    frame = synthetic_clients(clients, seed).drop(columns=["sk_id_curr", "target"])
    texts = [name for name, feature in FEATURES.items() if feature.kind == "category"]
    return frame.astype({name: "str" if name in texts else "float64" for name in frame})


def population(scorer: CreditScorer, frame: pd.DataFrame):
    """Statistics of some applicants."""
    return measure_population(scorer, frame, {name: FEATURES[name] for name in scorer.features})
