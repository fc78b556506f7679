"""What a feature is about: themes, so that four reasons are four different things, and what may not be a reason.

The themes follow the grammar of the features' names (source, measure, aggregate, window), which is that of the marts.
Clusters of correlated columns were not taken: they move with every sample and re-fit, and nobody can name them. That
the grammar does their work was measured: see `THEMES`.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

PROTECTED_RULE = (
    "Gender, age and family status are never a reason: a theme of them is left out and the next one takes its place; "
    "a feature computed with one of them counts in its theme but never speaks for it, and a theme is a reason only "
    "when its other features alone point the same way. What was left out stands in `withheld`."
)
OTHER = "other"


@dataclass(frozen=True)
class Theme:
    """One thing that a reason can be about.

    Attributes
    ----------
    code : str
        Stable name for programs.
    title : str
        Name for people.
    pattern : str
        Regular expression that matches the beginning of its features' names; the first theme that matches counts.
    protected : bool
        Whether it may never be a reason.
    """

    code: str
    title: str
    pattern: str
    protected: bool = False


# On 5,000 real clients, of the 415 pairs of numbers with a rank correlation of 0.95 or more, 3 stand in two themes.
THEMES = (
    Theme("gender", "Gender", r"code_gender", protected=True),
    Theme(
        "age",
        "Age",
        r"days_birth$|application_(age_at_payoff|age_at_employment|demography_.*_median)",
        protected=True,
    ),
    Theme(
        "family",
        "Family status",
        r"name_family_status|name_type_suite|cnt_children|cnt_fam_members",
        protected=True,
    ),
    Theme(
        "loan",
        "The loan asked for",
        r"amt_(credit|annuity|goods_price)$|name_contract_type$|cross_(interest_rate|product_term_.*_(mean|share)$)"
        r"|application_(product_term_client|interest|credit_(to_(annuity|goods)|minus)"
        r"|demography_amt_(credit|annuity))|installments_application_annuity"
        r"|previous_(credit_to_annuity_difference|application_goods_price|.*to_application_(credit|annuity)_ratio)",
    ),
    Theme("external_scores", "External scores", r"(application_)?(.*_)?ext_source|neighbours_default_rate"),
    Theme(
        "affordability",
        "Income against the loan",
        r"amt_income|application_(income|annuity_to_income|credit_to_income|goods_price_to_income|demography_amt_income)",
    ),
    Theme(
        "employment",
        "Work and education",
        r"days_employed|flag_emp_phone|occupation|organization|name_income_type|name_education"
        r"|application_(is_not_employed|employed_to|product_term_(days_employed|employed))",
    ),
    Theme(
        "property",
        "Home and car",
        r"(own_car|flag_own|name_housing|fondkapremont|housetype|totalarea|wallsmaterial|emergencystate)"
        r"|.*_avg$|application_(car_age|housing)",
    ),
    Theme("region", "Region and addresses", r"region|live_|reg_|application_(address_mismatch|region)"),
    Theme(
        "identity",
        "Documents and contact details",
        r"days_(registration|id_publish|last_phone)|flag_|application_(id_publish|registration|phone|document|contact)"
        r"|cross_instability",
    ),
    Theme("enquiries", "Enquiries to the credit bureau", r"amt_req_credit_bureau|application_(bureau_)?enquiry"),
    Theme("social_circle", "Defaults in the social circle", r"(obs|def)_.*social_circle|application_social_circle"),
    Theme("circumstances", "Day and hour of the application", r"weekday_appr|hour_appr|previous_hour"),
    Theme(
        "bureau_lateness",
        "Late payment to other lenders",
        r"bureau_(.*overdue|.*prolongation|balance_(late|severity|months_late))",
    ),
    Theme(
        "debt",
        "Debt and monthly duties",
        r"bureau_.*(debt|annuity|credit_limit|credit_minus)|cross_(debt|duty|home_credit_debt|indebtedness)"
        r"|previous_running_(annuity|future)",
    ),
    Theme(
        "bureau_history",
        "Loans of other lenders",
        r"bureau_|has_bureau|cross_(home_credit_to_bureau|recent_borrowing|thin_record)",
    ),
    Theme(
        "punctuality",
        "Punctuality on earlier loans and cards",
        r"installments_(days_past_due|days_before_due|late|missed|shortfall|paid_to_owed|days_late|partial)"
        r"|(pos|card)_(days_past_due|late|months_late)|pos_demand|cross_(days_(late|past_due)|late_payment)"
        r"|card_(below_minimum|payment_to_minimum)",
    ),
    Theme("cards", "Use of credit cards", r"card_|has_credit_card"),
    Theme(
        "repayments",
        "Earlier loans: instalments paid and left",
        r"installments_|has_installments|pos_|has_pos|previous_(running_count|days_(paid_early|termination|last_due))",
    ),
    Theme(
        "decisions",
        "Decisions on earlier applications",
        r"previous_((approved|cancelled|refused)_(count|share)|reject|code_reject|name_contract_status)",
    ),
    Theme(
        "previous_terms",
        "Earlier applications and their terms",
        r"previous_|has_previous|cross_product_term|cross_source_count|cross_days_first|cross_loan_price",
    ),
    Theme(OTHER, "Other information", r""),
)
# What a source that knows nothing of a client empties is one reason: flag, theme that tells it, prefixes of features.
HISTORIES = (
    ("has_bureau_history", "bureau_history", ("bureau_",)),
    ("has_previous_application", "previous_terms", ("previous_", "pos_", "installments_", "card_")),
    ("has_credit_card_history", "cards", ("card_",)),
    ("has_installments_history", "repayments", ("installments_",)),
    ("has_pos_cash_history", "repayments", ("pos_",)),
)
BY_CODE = {theme.code: theme for theme in THEMES}
_COMPILED = tuple((theme, re.compile(theme.pattern)) for theme in THEMES)
# computed with age, family or gender, or by the model itself: part of their theme, but they never speak for it
_MIXED = re.compile(
    r"neighbours_default_rate|.*(_to_age|_age_ratio|days_birth|age_times|employed_to_age|per_family_member|per_adult|demography_)"
)


@lru_cache(maxsize=8192)
def theme_of(feature: str) -> Theme:
    """The theme of a feature; "other" when no pattern matches.

    Examples
    --------
    >>> theme_of("application_ext_source_mean").code, theme_of("installments_late_share_365d").code
    ('external_scores', 'punctuality')
    >>> theme_of("days_birth").protected
    True
    """
    return next(theme for theme, pattern in _COMPILED if pattern.match(feature))


@lru_cache(maxsize=8192)
def may_speak(feature: str) -> bool:
    """Whether the words of a reason may be about this feature: nothing of it is protected.

    Examples
    --------
    >>> may_speak("days_employed"), may_speak("application_employed_to_age_ratio"), may_speak("code_gender")
    (True, False, False)
    """
    return not theme_of(feature).protected and not _MIXED.match(feature)
