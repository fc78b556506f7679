"""What must hold for every feature whatever the clients are: the range of its unit, what null means, and identities."""

import re
from itertools import pairwise

import duckdb
import pandas as pd

TOLERANCE = 1e-6
SAYS_ITS_SIGN = re.compile("negative|minus|[Dd]ifference")
NEVER_BELOW_ZERO = {"currency", "ratio", "days", "payments", "years", "area"}
HIGHEST_INTEREST_RATE = 3  # 300 % a year: more is a wrong term, not a dear loan
LONGEST_LIFE = 110  # years
WINDOWS = (["_90d", "_365d", ""], ["_3m", "_12m", ""], ["_6m", "_12m", "_24m", "_36m", ""])
GROWING = ("count", "max")  # with the window

IDENTITIES = {
    "kinds of bureau loans are parts of all": """
        bureau_active_loan_count + bureau_closed_loan_count <= bureau_loan_count
        and bureau_consumer_loan_count + bureau_card_loan_count + bureau_car_loan_count + bureau_mortgage_loan_count
        + bureau_microloan_loan_count <= bureau_loan_count
        and bureau_overdue_ever_loan_count <= bureau_loan_count and bureau_balance_loan_count <= bureau_loan_count""",
    "credit of kinds of bureau loans is a part of all": """coalesce(bureau_active_credit_sum, 0)
        + coalesce(bureau_closed_credit_sum, 0) <= bureau_credit_sum + 1
        and bureau_credit_sum_12m <= bureau_credit_sum + 1 and bureau_credit_last_loan <= bureau_credit_max""",
    "the share of active bureau loans": """
        abs(bureau_active_loan_share * bureau_loan_count - bureau_active_loan_count) < 0.001""",
    "the newest bureau loan": "bureau_overdue_ever_last_loan <= bureau_overdue_ever_max",
    "bureau loans of the last year hold the newest one": """case when bureau_loan_count_12m > 0
        then bureau_12m_days_credit_max = bureau_days_credit_max and bureau_12m_days_credit_max >= -360
        else bureau_12m_days_credit_max is null end""",
    "months of bureau loans are late, unknown, closed or none of these": """bureau_balance_late_month_share
        + bureau_balance_unknown_month_share + bureau_balance_closed_month_share <= 1.000001""",
    "months past due are months": "bureau_balance_late_month_count_24m <= bureau_balance_month_count",
    "the worst status is 0 when no month was past due": """bureau_balance_severity_max is null
        or (bureau_balance_severity_max > 0) = (bureau_balance_months_late_last is not null)""",
    "previous applications are approved, refused, cancelled or unused": """previous_approved_count
        + previous_refused_count + previous_cancelled_count <= previous_count
        and previous_running_count <= previous_approved_count
        and previous_cash_count + previous_consumer_count + previous_revolving_count <= previous_count""",
    "shares of previous applications": """
        abs(previous_approved_share * previous_count - previous_approved_count) < 0.001
        and abs(previous_refused_share * previous_count - previous_refused_count) < 0.001
        and abs(previous_cancelled_share * previous_count - previous_cancelled_count) < 0.001""",
    "the last previous application": """(previous_refused_share_last_1 = 1)
        = (previous_name_contract_status_last = 'Refused')""",
    "reasons of refusals are at most all": """previous_reject_hc_share + previous_reject_sco_share
        + previous_reject_scofr_share + previous_reject_limit_share + previous_reject_client_share
        + previous_reject_verif_share + previous_reject_system_share <= 1.000001""",
    "interest groups are at most all": """previous_high_yield_share + previous_middle_yield_share
        + previous_low_normal_yield_share + previous_low_action_yield_share <= 1.000001""",
    "previous applications approved or refused in a window": """previous_approved_count_6m + previous_refused_count_6m
        <= previous_count_6m and previous_approved_count_24m + previous_refused_count_24m <= previous_count_24m
        and previous_approved_amt_credit_sum_24m <= previous_approved_amt_credit_sum + 1""",
    "instalments over 30 days late are over 7 days late": """installments_late_over_30_days_share
        <= installments_late_over_7_days_share and installments_late_over_7_days_share <= installments_late_share""",
    "late instalments": """(installments_days_late_last is not null)
        = (coalesce(installments_days_past_due_max, 0) > 0)""",
    "due dates": """installments_days_instalment_min <= installments_days_instalment_max
        and coalesce(installments_days_late_last, installments_days_instalment_max)
        <= installments_days_instalment_max""",
    "paid over owed": "abs(installments_paid_to_owed_ratio * installments_owed_sum - installments_payment_sum) < 1",
    "months of point-of-sale loans": """pos_months_min <= pos_months_max
        and coalesce(pos_months_late_last, pos_months_max) between pos_months_min and pos_months_max
        and pos_month_count <= (pos_months_max - pos_months_min + 1) * pos_loan_count""",
    "kinds of point-of-sale months are at most all": """pos_active_month_share + pos_demand_month_share
        + pos_signed_month_share + pos_completed_share <= 1.000001 and pos_active_loan_count <= pos_loan_count""",
    "months of cards": """card_months_min <= card_months_max
        and coalesce(card_months_late_last, card_months_max) between card_months_min and card_months_max
        and coalesce(card_months_drawing_last, card_months_max) between card_months_min and card_months_max
        and card_month_count <= (card_months_max - card_months_min + 1) * card_count""",
    "tolerated lateness of cards": """card_late_tolerated_share <= card_late_share
        and card_days_past_due_tolerated_max <= card_days_past_due_max""",
    "cash is drawn by card": "card_drawings_atm_sum <= card_drawings_sum + 1",
    "sources that know a client": """cross_source_count = has_bureau_history + has_previous_application
        + has_installments_history + has_pos_cash_history + has_credit_card_history
        and (cross_source_count = 0) = (cross_days_first_contact is null)""",
    "lateness anywhere": """cross_days_past_due_max is not distinct from greatest(installments_days_past_due_max,
        pos_days_past_due_tolerated_max, card_days_past_due_tolerated_max)""",
    "external scores": """application_ext_source_min <= application_ext_source_median
        and application_ext_source_median <= application_ext_source_max
        and (application_ext_source_count = 0) = (application_ext_source_mean is null)""",
}
PAID_AND_SHORT = """
    select count(*) from intermediate.int_installments_by_number
    where abs(amt_payment + amt_shortfall - greatest(amt_payment, amt_instalment)) > 0.001
        or (days_past_due > 0 and days_before_due > 0)
        or days_entry_payment - days_instalment <> days_past_due - days_before_due
        or (is_missed = 1) <> (amt_payment is null)
"""


def faults(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Every feature of a built warehouse that breaks a rule, with the rule and what was found."""
    catalog = _catalog(con)
    features = con.execute("select * from marts.client_features").df()
    found = [*_out_of_range(catalog, features), *_not_whole(catalog, features), *_null_for_another_reason(con, catalog)]
    broken = _broken(con, IDENTITIES | _order_of_statistics(catalog) | _order_of_windows(catalog))
    found += [f"{rule}: not so for {clients} clients" for rule, clients in broken.items()]
    unpaid = con.execute(PAID_AND_SHORT).fetchone()[0]
    return found + ([f"paid + shortfall = greatest(paid, owed): not so for {unpaid} instalments"] if unpaid else [])


def _catalog(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    return con.execute(
        """
        select catalog.*, units.lowest, units.highest, histories.null_without_history
        from marts.feature_catalog as catalog
        left join marts.feature_units as units using (unit)
        left join marts.feature_histories as histories using (mart)
        """
    ).df()


def _out_of_range(catalog: pd.DataFrame, features: pd.DataFrame) -> list[str]:
    found = []
    for feature in catalog[catalog["unit"] != "category"].itertuples():
        lowest, highest = bounds(feature.unit, feature.description, feature.lowest, feature.highest)
        smallest, largest = features[feature.feature].min(), features[feature.feature].max()
        if smallest < lowest - TOLERANCE or largest > highest + TOLERANCE:
            found.append(
                f"{feature.feature}: expected {lowest} to {highest} {feature.unit}; found {smallest} to {largest}"
            )
    return found


def bounds(unit: str, description: str, lowest: float, highest: float) -> tuple[float, float]:
    """Smallest and largest value of a feature: those of its unit, and what its description says of the sign."""
    lowest = -float("inf") if pd.isna(lowest) else lowest
    highest = float("inf") if pd.isna(highest) else highest
    if unit in NEVER_BELOW_ZERO and not SAYS_ITS_SIGN.search(description):
        lowest = 0
    if unit.endswith("from application") and "may lie in the future" in description:
        highest = float("inf")
    if "yearly interest rate" in description.lower():
        highest = HIGHEST_INTEREST_RATE
    if unit == "years":
        highest = LONGEST_LIFE
    return lowest, highest


def _not_whole(catalog: pd.DataFrame, features: pd.DataFrame) -> list[str]:
    """Counts, flags and dates that are no whole numbers, unless they are means."""
    units = ["count", "flag", "days from application", "months from application", "grade 1..3"]
    whole = catalog[catalog["unit"].isin(units) & ~catalog["description"].str.contains(r"\b[Mm]ean\b")]
    values = features[whole["feature"]].astype("float64")
    fractions = (values % 1).fillna(0).ne(0).sum()
    return [f"{name}: expected whole numbers; {n} clients have others" for name, n in fractions[fractions > 0].items()]


def _null_for_another_reason(con: duckdb.DuckDBPyConnection, catalog: pd.DataFrame) -> list[str]:
    """Features that say they are null when a source does not know the client, and are so for other clients, or not."""
    histories = catalog["history"].str.split().str[-1]
    says = [
        history is not None and not pd.isna(history) and description.endswith(f"null when {reason}.")
        for history, description, reason in zip(
            histories, catalog["description"], catalog["null_without_history"], strict=True
        )
    ]
    rules = {
        f"{name} is null when, and only when, {history} is 0": f"({name} is null) = ({history} = 0)"
        for name, history in zip(catalog.loc[says, "feature"], histories[says], strict=True)
    }
    never = catalog["unit"].eq("flag") & ~catalog["description"].str.contains("null when")
    never |= catalog["description"].str.contains("never null")
    rules |= {f"{name} is never null": f"{name} is not null" for name in catalog.loc[never, "feature"]}
    return [f"{rule}: not so for {clients} clients" for rule, clients in _broken(con, rules).items()]


def _order_of_statistics(catalog: pd.DataFrame) -> dict[str, str]:
    """The smallest value is at most the mean, the mean at most the largest."""
    names = set(catalog["feature"])
    rules = {}
    for name in names:
        for lower, upper in (("_min", "_mean"), ("_mean", "_max"), ("_min", "_max")):
            larger = re.sub(rf"{lower}(?=$|_\d+[dm]$)", upper, name)
            if larger != name and larger in names:
                slack = f"{TOLERANCE} * (1 + abs({larger}))"
                rules[f"{name} <= {larger}"] = f"{name} <= {larger} + {slack}"
    return rules


def _order_of_windows(catalog: pd.DataFrame) -> dict[str, str]:
    """What a longer window counts, or has as its largest value, is at least that of a shorter one."""
    names, rules = set(catalog["feature"]), {}
    for windows in WINDOWS:
        for shorter, longer in pairwise(windows):
            for name in names:
                stem = name.removesuffix(shorter)
                if name.endswith(shorter) and stem.endswith(GROWING) and stem + longer in names:
                    rules[f"{name} <= {stem + longer}"] = f"{name} <= {stem + longer}"
    return rules


def _broken(con: duckdb.DuckDBPyConnection, rules: dict[str, str]) -> dict[str, int]:
    """For how many clients each rule does not hold; rules that hold for all are left out, unknown ones hold."""
    columns = ", ".join(f"count(case when not ({rule}) then 1 end)" for rule in rules.values())
    counts = con.execute(f"select {columns} from marts.client_features").fetchone()
    return {name: count for name, count in zip(rules, counts, strict=True) if count}
