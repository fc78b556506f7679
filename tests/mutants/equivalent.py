"""Mutations that change no rule: what their name matches, and why nobody could tell."""

import re

EQUIVALENT = {
    r"^(int_application_measures|int_application_signs|feat_cross_source), join: ": "marts have a row per application",
    r"^feat_application, join: .*peers using": "so has the model of peers",
    r"^int_pos_cash_by_loan, join: .* terms_by_loan": "the terms are read from the same rows: every loan has some",
    r"^int_application_(risk_themes|theme_sums), (aggregate|zero for null): .*max.*case when theme =": (
        "one row per theme or sign, and always that row"
    ),
    r"^int_application_theme_sums, window edge: .*_std \[> 0 -> > -1\]": "a spread of 0 divides to null either way",
    r"^int_application_theme_sums, null for zero: .*\[coalesce\(thin_record_[1-4], 0\)": (
        "nothing known counts as 0 there: never null"
    ),
    r"^reference_\w+, zero for null: ": "the labelled clients are never none, and some of them have each value",
    r", zero for null: .*\[max\((sk_id_curr|sk_dpd|sk_dpd_def)\)": "never null in the contract of the raw files",
    r"^int_bureau_loans, unknown for no: .* as is_closed": "it is only compared with 1",
    r", null for zero: .*\[coalesce\(sum\(row_n\), 0\)": "without a window, whoever has rows has some",
    r"^feat_application, comparison: .*0\.085": "no loan costs 8.5 % to the last bit",
    r", dropped condition: .*m(ax|in)_by\(\w+, \[case when (\w+) is not null then": (
        "DuckDB leaves out unknown values by itself; the condition is for Spark"
    ),
}


def reason(name: str) -> str | None:
    """Why a mutation changes nothing; None when it may."""
    return next((why for pattern, why in EQUIVALENT.items() if re.search(pattern, name)), None)
