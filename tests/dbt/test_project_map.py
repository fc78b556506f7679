"""What the project says of itself: who reads it, which parts build by name, metrics that are defined once."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.support.building import DBT_PROJECT, build_marts

A_UNIT_TEST = "a_client_without_bureau_loans_has_no_history_rather_than_zeros"
SELECTORS = {
    "production": {"feat_bureau", "training_set", "feature_themes"},
    "everything": {"feat_bureau", "training_set", "feature_themes", A_UNIT_TEST},
    "features": {"feat_bureau", "client_features", "int_bureau_loans", "stg_home_credit__bureau"},
    "reference": {"reference_population", "feat_application", "training_set"},
    "catalogue": {"feature_catalog", "category_values", "feature_synonyms"},
    "analyses": {"first_time_borrowers", "exposure_by_region"},
    "grain": {"previous_applications", "bureau_loans", "installments"},
}


@pytest.fixture(scope="module")
def manifest(built_warehouse: Path) -> dict:
    return json.loads((built_warehouse.parent / "target" / "manifest.json").read_text())


def test_every_exposure_names_its_owner_and_its_address(manifest: dict):
    exposures = manifest["exposures"].values()
    assert len(exposures) >= 5
    for exposure in exposures:
        assert exposure["owner"]["name"] and "@" in exposure["owner"]["email"], exposure["name"]
        assert re.match(r"http://127\.0\.0\.1:|file:", exposure["url"]), exposure["name"]
        assert exposure["maturity"] and exposure["depends_on"]["nodes"], exposure["name"]


def test_every_mart_that_people_open_is_read_by_somebody(manifest: dict):
    read = {
        node.split(".")[-1] for exposure in manifest["exposures"].values() for node in exposure["depends_on"]["nodes"]
    }
    assert {"client_features", "client_overview", "training_set", "scoring_set", "installments", "bureau_loans"} <= read


@pytest.mark.parametrize("name", SELECTORS)
def test_a_part_of_the_project_builds_by_name(name: str, generated_raw_dir: Path, tmp_path: Path):
    options = ("--selector", name, "--output", "name")
    listed = build_marts(generated_raw_dir, tmp_path / "home_credit.duckdb", *options, command="list")
    assert listed.success and SELECTORS[name] <= set(listed.result)


def test_a_build_of_production_runs_no_unit_test(generated_raw_dir: Path, tmp_path: Path):
    options = ("--selector", "production", "--output", "name")
    listed = build_marts(generated_raw_dir, tmp_path / "home_credit.duckdb", *options, command="list")
    assert A_UNIT_TEST not in listed.result


def test_every_selector_is_tried():
    defined = yaml.safe_load((DBT_PROJECT / "selectors.yml").read_text())["selectors"]
    assert {selector["name"] for selector in defined} == SELECTORS.keys()
    assert all(selector["description"] for selector in defined)


def test_every_model_carries_the_tag_of_its_layer(manifest: dict):
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert {node["name"]: node["tags"] for node in models if node["path"].split("/")[0] not in node["tags"]} == {}


def test_metrics_are_described_and_written_nowhere_else():
    described = {
        macro["name"] for macro in yaml.safe_load((DBT_PROJECT / "macros" / "_metrics.yml").read_text())["macros"]
    }
    written = set(re.findall(r"{% macro (\w+)\(", (DBT_PROJECT / "macros" / "metrics.sql").read_text()))
    assert described == written
    analyses = {path.name: path.read_text() for path in (DBT_PROJECT / "models" / "analyses").glob("*.sql")}
    by_hand = re.compile(
        r"avg\((target|is_approved|is_refused)\)(?! filter)|sum\(target\)(?! filter)|sum\(amt_credit\)"
    )
    assert [name for name, sql in analyses.items() if by_hand.search(sql)] == []
    assert all(any(f"{metric}(" in sql for sql in analyses.values()) for metric in written)
