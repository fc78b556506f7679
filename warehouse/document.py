"""Documentation that dbt wants in full although it stands elsewhere already, written so that nobody copies it by hand.

* Staging models say what the contract of the raw files says, in lower case: columns, meaning, key, parent.
* client_features, training_set and scoring_set hold every feature again, as `_feature_marts__models.yml` describes it.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from warehouse.cli import run_command
from warehouse.contract import Contract, Table, load_contract
from warehouse.errors import ContractError
from warehouse.settings import PROJECT_ROOT

MODELS_DIR = PROJECT_ROOT / "dbt_project" / "models"
FEATURE_MARTS_FILE = MODELS_DIR / "marts" / "_feature_marts__models.yml"
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
        Two feature marts make a feature of the same name.
    """
    contract = load_contract()
    marts = yaml.safe_load(FEATURE_MARTS_FILE.read_text(encoding="utf-8"))["models"]
    staging = [_staging_model(contract, table) for table in contract.tables.values()]
    return {
        MODELS_DIR / "staging" / "_home_credit__models.yml": _render(staging, "_home_credit__sources.yml"),
        MODELS_DIR / "intermediate" / "_int_applications_unioned__models.yml": _render(
            [_unioned(contract)], "_home_credit__sources.yml"
        ),
        MODELS_DIR / "marts" / "_wide_marts__models.yml": _render(wide_marts(marts), FEATURE_MARTS_FILE.name),
    }


def wide_marts(feature_marts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Properties of the wide marts: key, then what is theirs alone, then every feature in the order of its mart."""
    features: dict[str, dict[str, Any]] = {}
    for model in feature_marts:
        for column in model["columns"]:
            name = column["name"]
            if name in features:
                raise ContractError(
                    expected="every feature in one mart",
                    found=f"{name} again in {model['name']}",
                    remedy=f"rename one of the two in {FEATURE_MARTS_FILE.name} and in its model",
                )
            if name != KEY["name"]:
                meta = {**column.get("config", {}).get("meta", {}), "mart": model["name"]}
                described = {key: column[key] for key in ("name", "data_type", "description")}
                features[name] = described | {"config": {"meta": meta}}
    return [
        {"name": name, "description": description, "columns": [KEY, *own_columns, *features.values()]}
        for name, (description, own_columns) in WIDE_MARTS.items()
    ]


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
    if len(table.primary_key) > 1:
        key, month = (name.lower() for name in table.primary_key)
        model["data_tests"] = [{"one_row_per_month": {"arguments": {"key": key, "month": month}}}]
    return model


def _staging_column(table: Table, name: str) -> dict[str, Any]:
    column = {"name": name.lower(), "data_type": table[name].data_type, "description": table[name].description}
    tests: list[Any] = ["unique"] if (name,) == table.primary_key else []
    tests += ["not_null"] if name in table.primary_key or name == table.parent_key else []
    if name == table.parent_key and table.parent_table == "application":
        # other children without a parent are known in the release: the quality gate counts them
        arguments = {"to": "ref('int_applications_unioned')", "field": name.lower()}
        tests.append({"relationships": {"arguments": arguments, "config": {"severity": "warn"}}})
    return column | ({"data_tests": tests} if tests else {})


def _unioned(contract: Contract) -> dict[str, Any]:
    table = contract["application_test"]
    columns = [{"name": c.name.lower(), "data_type": c.data_type, "description": c.description} for c in table.columns]
    return {"name": "int_applications_unioned", "description": UNIONED, "columns": [POPULATION, TARGET, *columns]}


def _render(models: list[dict[str, Any]], source: str) -> str:
    body = yaml.safe_dump({"version": 2, "models": models}, sort_keys=False, width=120, allow_unicode=True)
    return HEADER.format(source=source) + body


def main(argv: Sequence[str] | None = None) -> int:
    """Write the documentation of the staging models and of the wide marts."""
    parser = argparse.ArgumentParser(prog="python -m warehouse.document", description=__doc__.splitlines()[0])
    parser.parse_args(argv)

    def write() -> None:
        for path, text in documents().items():
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(PROJECT_ROOT)}")

    return run_command(write)


if __name__ == "__main__":
    sys.exit(main())
