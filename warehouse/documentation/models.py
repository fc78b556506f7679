"""Properties of the dbt models as YAML."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from warehouse.core.errors import ContractError
from warehouse.core.settings import PROJECT_ROOT
from warehouse.documentation.features import Feature, FeatureMart, read_project
from warehouse.loading.contract import Contract, Table, load_contract

MODELS_DIR = PROJECT_ROOT / "dbt_project" / "models"

HEADER = "# Written by `python -m warehouse.document` from {source}: change that, then run the command again.\n"

KEY = {
    "name": "sk_id_curr",
    "data_type": "bigint",
    "description": "Key of the application, and of the client in this release.",
}

POPULATION = {
    "name": "population",
    "data_type": "varchar",
    "description": "training: the application has a label; scoring: it has none yet.",
}

TARGET = {
    "name": "target",
    "data_type": "integer",
    "description": "1 when the client had payment difficulties on this loan, 0 when not.",
}

IS_STILL_RUNNING = {
    "name": "is_still_running",
    "data_type": "integer",
    "description": "1 when the loan was approved and is still being paid (its last due date was 365243), 0 when not.",
}

UNIONED = "One row per application of both populations: the cleaned columns of application_train and application_test."

LABELS = "One row per application of both populations: which one it belongs to, and its label."

UNKNOWN_TARGET = TARGET | {"description": f"{TARGET['description'][:-1]}, null when it is not known yet."}

WIDE_MARTS = {
    "client_features": ("One row per application of both populations: every feature of every source.", [POPULATION]),
    "training_set": ("One row per labelled application: the label and every feature.", [TARGET]),
    "scoring_set": ("One row per application to be scored: every feature, without a label.", []),
}


def documents() -> dict[Path, str]:
    """Every file that this command writes, with its text.

    Raises
    ------
    ContractError
        A feature is not described, or two feature marts make one of the same name.
    """
    contract = load_contract()
    project = read_project(contract)
    types = project.staging_types
    staging = [_typed(_staging_model(contract, table), types) for table in contract.tables.values()]
    unioned = _typed(_unioned(contract), {"int_applications_unioned": types["stg_home_credit__application_test"]})
    sources = "_home_credit__sources.yml"
    folder = MODELS_DIR / "marts"
    return {
        MODELS_DIR / "staging" / "_home_credit__models.yml": _render(staging, sources),
        MODELS_DIR / "intermediate" / "_int_applications_unioned__models.yml": _render([unioned], sources),
    } | {folder / f"_{mart['name']}__models.yml": _render([mart], "feat_*.sql") for mart in marts(project.marts)}


def marts(feature_marts: Sequence[FeatureMart]) -> list[dict[str, Any]]:
    """Properties of the feature marts and of the wide marts: key, then what is theirs alone, then the features."""
    columns: dict[str, dict[str, Any]] = {}
    models = []
    for mart in feature_marts:
        own = [_feature_column(feature) for feature in mart.features]
        for column in own:
            if column["name"] in columns:
                raise ContractError(
                    expected="every feature in one mart",
                    found=f"{column['name']} again in {mart.name}",
                    remedy=f"rename it in {mart.name}.sql",
                )
            columns[column["name"]] = column
        meta = {"meta": {"sources": list(mart.sources)}}
        columns_of_mart = [_tested_key(), *own]
        models.append({"name": mart.name, "description": mart.description, "config": meta, "columns": columns_of_mart})
    for name, (description, own_columns) in WIDE_MARTS.items():
        features = [_without_meta(column) for column in columns.values()]
        models.append({"name": name, "description": description, "columns": [KEY, *own_columns, *features]})
    populations = POPULATION | {"data_tests": [_accepted(("training", "scoring"))]}
    labels = [_tested_key(), populations, UNKNOWN_TARGET]
    return [*models, {"name": "application_labels", "description": LABELS, "columns": labels}]


def _tested_key() -> dict[str, Any]:
    """Key of a table: the database itself refuses a null."""
    return KEY | {"constraints": [{"type": "not_null"}], "data_tests": ["unique"]}


def _feature_column(feature: Feature) -> dict[str, Any]:
    """A feature with its marks; those that most features have (not protected, may be a reason) are left out."""
    meta = {
        "sources": ", ".join(feature.sources),
        "unit": feature.unit,
        "theme": feature.theme,
        "label": feature.label,
        "label_if_no": feature.label_if_no,
        "is_protected": feature.is_protected or None,
        "may_be_reason": None if feature.may_be_reason else False,
        "counted_in": feature.counted_in,
        "aggregate": feature.aggregate,
        "window": feature.window,
    }
    return {
        "name": feature.name,
        "data_type": feature.data_type,
        "description": feature.description,
        "config": {"meta": {name: value for name, value in meta.items() if value is not None}},
    }


def _without_meta(column: dict[str, Any]) -> dict[str, Any]:
    """A feature as the wide marts repeat it: its marks are kept in its own mart only."""
    return {name: value for name, value in column.items() if name != "config"}


def _typed(model: dict[str, Any], types: dict[str, dict[str, str]]) -> dict[str, Any]:
    """A model with the types that its SQL gives the columns, which are not always those of the raw file."""
    known = types[model["name"]]
    columns = [column | {"data_type": known.get(column["name"], column["data_type"])} for column in model["columns"]]
    return model | {"columns": columns}


def _staging_model(contract: Contract, table: Table) -> dict[str, Any]:
    columns = [_staging_column(table, name) for name in table.column_names]
    if table.name == "previous_application":
        position = table.column_names.index("DAYS_LAST_DUE") + 1
        columns.insert(position, IS_STILL_RUNNING)
    model: dict[str, Any] = {
        "name": f"stg_home_credit__{table.name.lower()}",
        "description": f"{table.description} Typed, in lower case, with sentinels as null.",
        "columns": columns,
    }
    return model | {"data_tests": [_key_test(table)]}


def _key_test(table: Table) -> dict[str, Any]:
    """The one test of the keys of a table: each costs a step of every build."""
    client = {"client": KEY["name"]} if table.parent_table == "previous_application" else {}
    if len(table.primary_key) > 1:
        key, month = (name.lower() for name in table.primary_key)
        return {"one_row_per_month": {"arguments": {"key": key, "month": month} | client}}
    if client:
        return {"one_client_per_loan": {"arguments": {"loan": str(table.parent_key).lower()} | client}}
    [key] = table.primary_key
    arguments: dict[str, Any] = {"columns": [key.lower()]}
    if table.parent_key:
        arguments["filled"] = [table.parent_key.lower()]
    if table[key].minimum is not None:
        arguments["minimum"] = table[key].minimum
    return {"key": {"arguments": arguments}}


def _staging_column(table: Table, name: str) -> dict[str, Any]:
    column = {"name": name.lower(), "data_type": table[name].data_type, "description": table[name].description}
    tests: list[dict[str, Any]] = []
    if name == "TARGET":
        tests.append(_accepted(table[name].values or ()))
    if name == table.parent_key and table.parent_table == "application":
        # other children without a parent are known in the release: the quality gate counts them
        arguments = {"to": "ref('int_applications_unioned')", "field": name.lower()}
        tests.append({"relationships": {"arguments": arguments, "config": {"severity": "warn"}}})
    return column | ({"data_tests": tests} if tests else {})


def _accepted(values: Sequence[str | int]) -> dict[str, Any]:
    """Test that a column holds no other values than these."""
    arguments: dict[str, Any] = {"values": list(values)}
    if all(isinstance(value, int) for value in values):
        arguments["quote"] = False
    return {"accepted_values": {"arguments": arguments}}


def _unioned(contract: Contract) -> dict[str, Any]:
    table = contract["application_test"]
    columns = [{"name": c.name.lower(), "data_type": c.data_type, "description": c.description} for c in table.columns]
    return {"name": "int_applications_unioned", "description": UNIONED, "columns": [POPULATION, TARGET, *columns]}


def _render(models: list[dict[str, Any]], source: str) -> str:
    """Models with one line per column, so that a feature more or less changes as many lines as marts have it."""
    lines = ["version: 2", "models:"]
    for model in models:
        head = _yaml([{name: value for name, value in model.items() if name != "columns"}], width=120)
        lines += [*head.splitlines(), "  columns:"]
        lines += [
            f"  - {_yaml(column, default_flow_style=True, width=math.inf).strip()}" for column in model["columns"]
        ]
    return HEADER.format(source=source) + "\n".join(lines) + "\n"


def _yaml(content: object, **options: Any) -> str:  # noqa: ANN401 - options of yaml.safe_dump
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, **options)
