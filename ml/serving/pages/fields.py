"""The fields of the forms: raw columns with their names for people, and how what is typed becomes a value.

What is not typed stays null. A box that is not ticked is an answer: no.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

from ml.serving.language import ENGLISH
from ml.serving.what_if.simulation import ANNUITY, CREDIT, GOODS_PRICE, INCOME, PAYMENTS

Kind = Literal["number", "choice", "tick", "date", "yes_no"]
NOT_EMPLOYED_DAYS = 365243  # of DAYS_EMPLOYED in the release
NOT_EMPLOYED = "not_employed"
UNUSABLE = "This is not a number"
UNUSABLE_DATE = "This is not a date up to today"
MISSING = "This is needed"
UNKNOWN_CHOICE = "This is none of the choices"


@dataclass(frozen=True)
class Field:
    """One field of a form.

    Attributes
    ----------
    column : str
        Of the raw table, or `PAYMENTS`.
    label : str
        English; a text of the catalogues.
    kind : str
    needed : bool
        The raw table does not take a null.
    """

    column: str
    label: str
    kind: Kind = "number"
    needed: bool = False


LOAN = (
    Field("NAME_CONTRACT_TYPE", "Kind of loan", "choice", True),
    Field(CREDIT, "Credit asked for", "number", True),
    Field(ANNUITY, "Monthly payment"),
    Field(GOODS_PRICE, "Price of the goods"),
)
PERSON = (
    Field("DAYS_BIRTH", "Date of birth", "date", True),
    Field("CODE_GENDER", "Gender", "choice", True),
    Field("NAME_FAMILY_STATUS", "Family status", "choice", True),
    Field("CNT_CHILDREN", "Number of children", "number", True),
    Field("CNT_FAM_MEMBERS", "Members of the family"),
    Field("NAME_EDUCATION_TYPE", "Education", "choice", True),
)
WORK = (
    Field(INCOME, "Yearly income", "number", True),
    Field("NAME_INCOME_TYPE", "Kind of income", "choice", True),
    Field("OCCUPATION_TYPE", "Occupation", "choice"),
    Field("ORGANIZATION_TYPE", "Type of employer", "choice", True),
    Field("DAYS_EMPLOYED", "Employed since", "date"),
    Field(NOT_EMPLOYED, "Not employed", "tick"),
)
HOME = (
    Field("NAME_HOUSING_TYPE", "Housing", "choice", True),
    Field("FLAG_OWN_REALTY", "Owns a house or flat", "yes_no", True),
    Field("FLAG_OWN_CAR", "Owns a car", "yes_no", True),
    Field("OWN_CAR_AGE", "Age of the car, years"),
    Field("REGION_RATING_CLIENT", "Rating of the region, 1 to 3", "choice", True),
    Field("REGION_RATING_CLIENT_W_CITY", "Rating of the region with its city, 1 to 3", "choice", True),
    Field("REGION_POPULATION_RELATIVE", "Population of the region, as a share", "number", True),
    Field("DAYS_REGISTRATION", "Last change of the registration", "date", True),
    Field("DAYS_ID_PUBLISH", "Last change of the identity document", "date", True),
)
SCORES = (
    Field("EXT_SOURCE_1", "External score 1, 0 to 1"),
    Field("EXT_SOURCE_2", "External score 2, 0 to 1"),
    Field("EXT_SOURCE_3", "External score 3, 0 to 1"),
)
TICKS = tuple(
    Field(column, label, "tick")
    for column, label in {
        "FLAG_MOBIL": "Gave a mobile phone",
        "FLAG_CONT_MOBILE": "Was reached on the mobile phone",
        "FLAG_EMP_PHONE": "Gave a phone at work",
        "FLAG_WORK_PHONE": "Gave a phone at home",
        "FLAG_PHONE": "Gave another phone",
        "FLAG_EMAIL": "Gave an e-mail address",
        "REG_REGION_NOT_LIVE_REGION": "Registered in another region than the contact address",
        "REG_REGION_NOT_WORK_REGION": "Registered in another region than the work address",
        "LIVE_REGION_NOT_WORK_REGION": "Contact address in another region than the work address",
        "REG_CITY_NOT_LIVE_CITY": "Registered in another city than the contact address",
        "REG_CITY_NOT_WORK_CITY": "Registered in another city than the work address",
        "LIVE_CITY_NOT_WORK_CITY": "Contact address in another city than the work address",
    }.items()
)
DOCUMENTS = tuple(Field(f"FLAG_DOCUMENT_{number}", "Document %(number)s", "tick") for number in range(2, 22))
SECTIONS = {
    "The loan asked for": LOAN,
    "The applicant": PERSON,
    "Income and work": WORK,
    "Home and region": HOME,
    "External scores": SCORES,
    "Contact and addresses": TICKS,
    "Documents that were handed in": DOCUMENTS,
}
FORM = {field.column: field for fields in SECTIONS.values() for field in fields}
SIMULATED = tuple(  # what is left empty stays as it is
    Field(PAYMENTS, "Number of payments") if column == PAYMENTS else replace(FORM[column], needed=False)
    for column in (
        CREDIT,
        ANNUITY,
        PAYMENTS,
        GOODS_PRICE,
        INCOME,
        "NAME_CONTRACT_TYPE",
        "NAME_INCOME_TYPE",
        "OCCUPATION_TYPE",
        "NAME_HOUSING_TYPE",
        "FLAG_OWN_CAR",
        "FLAG_OWN_REALTY",
    )
)
WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
Typed = Mapping[str, str]
Faults = dict[str, str]


def number_of(text: str, code: str) -> float | int:
    """A number as people of a language type it; `ValueError` when it is none.

    Examples
    --------
    >>> number_of("1,250.50", "en"), number_of("1 250,50", "fr"), number_of("300000", "fr")
    (1250.5, 1250.5, 300000)
    """
    plain = re.sub(r"[\s\u00a0\u202f']", "", text)
    plain = plain.replace(",", "") if code == ENGLISH else plain.replace(",", ".")
    if not re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,20})?", plain):
        raise ValueError(text)
    value = float(plain)
    return int(value) if value.is_integer() else value


def changes_of(typed: Typed, current: Mapping[str, str], code: str) -> tuple[dict[str, Any], Faults]:
    """What a simulation changes: the fields whose text is another one than was shown.

    Returns
    -------
    dict
        New values by column.
    dict of str to str
        What is wrong, by column.
    """
    changed, faults = {}, {}
    for field in SIMULATED:
        text = typed.get(field.column, "").strip()
        if not text or text == current.get(field.column, "").strip():
            continue
        try:
            changed[field.column] = number_of(text, code) if field.kind == "number" else text
        except ValueError:
            faults[field.column] = UNUSABLE
    return changed, faults


def application_of(typed: Typed, choices: Mapping[str, list[str]], today: date, hour: int, code: str) -> Any:  # noqa: ANN401
    """A raw application from the form of a new applicant, and what is wrong with it, by column."""
    row: dict[str, Any] = {"WEEKDAY_APPR_PROCESS_START": WEEKDAYS[today.weekday()], "HOUR_APPR_PROCESS_START": hour}
    faults: Faults = {}
    for field in FORM.values():
        text = typed.get(field.column, "").strip()
        if field.column == NOT_EMPLOYED:
            continue
        if field.kind == "tick":
            row[field.column] = int(bool(text))
            continue
        if not text:
            if field.needed:
                faults[field.column] = MISSING
            continue
        try:
            row[field.column] = _value(field, text, choices, today, code)
        except ValueError as error:
            faults[field.column] = str(error)
    if typed.get(NOT_EMPLOYED):
        row["DAYS_EMPLOYED"] = NOT_EMPLOYED_DAYS
    elif "DAYS_EMPLOYED" not in row and "DAYS_EMPLOYED" not in faults:
        faults["DAYS_EMPLOYED"] = "Give the day, or tick that the applicant is not employed"
    return row, faults


def _value(field: Field, text: str, choices: Mapping[str, list[str]], today: date, code: str) -> float | str:
    if field.kind == "number":
        try:
            return number_of(text, code)
        except ValueError:
            raise ValueError(UNUSABLE) from None
    if field.kind == "date":
        try:
            days = (date.fromisoformat(text) - today).days
        except ValueError:
            raise ValueError(UNUSABLE_DATE) from None
        if days > 0:
            raise ValueError(UNUSABLE_DATE)
        return days
    allowed = ["Y", "N"] if field.kind == "yes_no" else choices.get(field.column, [])
    if text not in allowed:
        raise ValueError(UNKNOWN_CHOICE)
    return int(text) if text.isdigit() else text
