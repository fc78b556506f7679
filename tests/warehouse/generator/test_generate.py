"""The generator: the contract, histories that hold together, the known truth about drift, and the command line."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import lightgbm
import numpy as np
import pytest

from warehouse.core.errors import RawDataError, SettingsError
from warehouse.core.settings import PROJECT_ROOT
from warehouse.generate import main
from warehouse.generator.calibration.measure import nearest_correlation, score
from warehouse.generator.fidelity.features import labelled_features_sql
from warehouse.generator.fidelity.measures import auc
from warehouse.generator.fidelity.workflow import open_folder
from warehouse.generator.population.drift import DRIFTS
from warehouse.generator.population.marginals import Texts, from_json
from warehouse.generator.workflow import TABLES, GeneratorOptions, generate
from warehouse.loading.contract import Contract, Table, load_contract
from warehouse.loading.folder import LANDING
from warehouse.loading.swap import GENERATED_MARKER

CLIENTS = 5000
STABILITY_BINS = np.linspace(0.1, 0.9, 9)


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract()


@pytest.fixture(scope="module")
def raw_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("histories") / "raw"
    generate(GeneratorOptions(CLIENTS, 11, folder, quiet=True))
    return folder


@pytest.fixture(scope="module")
def con(raw_dir: Path, contract: Contract) -> duckdb.DuckDBPyConnection:
    return open_folder(raw_dir, contract)


def share(con: duckdb.DuckDBPyConnection, condition: str, rows: str) -> float:
    return con.execute(f"select avg(cast({condition} as integer)) from {rows}").fetchone()[0]


def count(con: duckdb.DuckDBPyConnection, rows: str) -> int:
    return con.execute(f"select count(*) from {rows}").fetchone()[0]


def faults(table: Table) -> dict[str, str]:
    """Condition on a faulty row, by what the contract says of the columns."""
    conditions = {}
    for column in table.columns:
        name = column.name
        if not column.nullable:
            conditions[f"{name} is null"] = f"{name} is null"
        if column.values is not None:
            values = ", ".join(f"'{v}'" if isinstance(v, str) else str(v) for v in column.values)
            conditions[f"{name} is unknown"] = f"{name} not in ({values})"
        if column.minimum is not None:
            conditions[f"{name} is too small"] = f"{name} < {column.minimum}"
        if column.maximum is not None:
            conditions[f"{name} is too large"] = f"{name} > {column.maximum}"
    return conditions


@pytest.mark.parametrize("name", TABLES)
def test_every_row_obeys_the_contract(name: str, con: duckdb.DuckDBPyConnection, contract: Contract):
    found = {fault: count(con, f"{name} where {condition}") for fault, condition in faults(contract[name]).items()}
    assert {fault: rows for fault, rows in found.items() if rows} == {}


@pytest.mark.parametrize("name", TABLES)
def test_columns_stand_in_the_order_of_the_release(name: str, raw_dir: Path, contract: Contract):
    with (raw_dir / f"{name}.csv").open(encoding="utf-8") as file:
        header = file.readline().rstrip("\n").split(",")
    assert header == list(contract[name].column_names)


@pytest.mark.parametrize("name", [name for name in TABLES if name != "installments_payments"])
def test_keys_are_unique(name: str, con: duckdb.DuckDBPyConnection, contract: Contract):
    key = ", ".join(contract[name].primary_key)
    assert count(con, name) == count(con, f"(select distinct {key} from {name})")


def test_the_two_applications_hold_the_clients_asked_for(con: duckdb.DuckDBPyConnection):
    assert count(con, "application_train") == CLIENTS
    assert count(con, "application_test") == round(CLIENTS * 48_744 / 307_511)
    assert count(con, "application_train semi join application_test using (SK_ID_CURR)") == 0


@pytest.mark.parametrize("name", [n for n in TABLES if not n.startswith("application") and n != "bureau_balance"])
def test_every_history_belongs_to_a_client(name: str, con: duckdb.DuckDBPyConnection):
    assert count(con, f"{name} anti join clients using (SK_ID_CURR)") == 0


def test_loans_without_parent_are_as_rare_as_in_the_release(con: duckdb.DuckDBPyConnection):
    def without(table: str, parent: str, key: str) -> float:
        return share(con, f"{key} not in (select {key} from {parent})", f"(select distinct {key} from {table})")

    assert 0.03 < without("bureau_balance", "bureau", "SK_ID_BUREAU") < 0.08
    assert 0.02 < without("POS_CASH_balance", "previous_application", "SK_ID_PREV") < 0.07
    assert 0.06 < without("credit_card_balance", "previous_application", "SK_ID_PREV") < 0.20
    assert 0.50 < without("bureau", "bureau_balance", "SK_ID_BUREAU") < 0.60


@pytest.mark.parametrize(
    ("table", "key"),
    [("bureau_balance", "SK_ID_BUREAU"), ("POS_CASH_balance", "SK_ID_PREV"), ("credit_card_balance", "SK_ID_PREV")],
)
def test_months_follow_each_other_without_gaps(table: str, key: str, con: duckdb.DuckDBPyConnection):
    gaps = f"""(select {key} from {table} group by {key}
        having max(MONTHS_BALANCE) - min(MONTHS_BALANCE) + 1 <> count(*))"""
    assert count(con, gaps) == 0


def test_a_closed_loan_has_an_end_and_an_active_one_has_none(con: duckdb.DuckDBPyConnection):
    assert count(con, "bureau where (CREDIT_ACTIVE = 'Closed') <> (DAYS_ENDDATE_FACT is not null)") == 0
    assert (
        count(con, "bureau where DAYS_ENDDATE_FACT > -40000 and DAYS_ENDDATE_FACT not between DAYS_CREDIT and -1") == 0
    )
    assert count(con, "bureau where DAYS_CREDIT_UPDATE < greatest(DAYS_ENDDATE_FACT, DAYS_CREDIT)") == 0


def test_a_loan_once_closed_stays_closed_in_its_months(con: duckdb.DuckDBPyConnection):
    reopened = """(select STATUS, lead(STATUS) over (partition by SK_ID_BUREAU order by MONTHS_BALANCE) as later
        from bureau_balance) where STATUS = 'C' and later <> 'C'"""
    assert count(con, reopened) == 0


def test_who_is_not_employed_has_the_sentinel_and_no_employer(con: duckdb.DuckDBPyConnection):
    assert 0.15 < share(con, "DAYS_EMPLOYED = 365243", "application_train") < 0.22
    odd = """(DAYS_EMPLOYED = 365243) <> (ORGANIZATION_TYPE = 'XNA')
        or (DAYS_EMPLOYED = 365243 and OCCUPATION_TYPE is not null) or DAYS_EMPLOYED < DAYS_BIRTH"""
    assert count(con, f"application_train where {odd}") == 0


def test_credit_is_price_or_more_and_the_annuity_repays_it(con: duckdb.DuckDBPyConnection):
    assert count(con, "application_train where AMT_CREDIT < AMT_GOODS_PRICE") == 0
    assert count(con, "application_train where AMT_CREDIT / AMT_ANNUITY not between 7 and 45") == 0


def test_running_loans_have_the_sentinel_as_last_due_date(con: duckdb.DuckDBPyConnection):
    approved = "previous_application where NAME_CONTRACT_STATUS = 'Approved' and DAYS_FIRST_DUE < 0 and CNT_PAYMENT > 0"
    assert count(con, f"{approved} and DAYS_LAST_DUE > 0 and DAYS_LAST_DUE <> 365243") == 0
    assert count(con, f"{approved} and DAYS_TERMINATION < DAYS_LAST_DUE and DAYS_LAST_DUE <> 365243") == 0
    assert count(con, f"{approved} and DAYS_LAST_DUE_1ST_VERSION <> DAYS_FIRST_DUE + 30 * (CNT_PAYMENT - 1)") == 0
    assert 0.1 < share(con, "DAYS_LAST_DUE = 365243", approved) < 0.3


def test_instalments_follow_the_loan_and_their_parts_add_up(con: duckdb.DuckDBPyConnection):
    con.execute("""
        create or replace temp table instalments as
        select SK_ID_PREV, NUM_INSTALMENT_NUMBER as number, max(AMT_INSTALMENT) as owed, sum(AMT_PAYMENT) as paid,
            max(DAYS_INSTALMENT) as due, bool_or(AMT_PAYMENT is null) as unpaid
        from installments_payments where NUM_INSTALMENT_VERSION > 0 group by all""")
    joined = "instalments inner join previous_application using (SK_ID_PREV)"
    assert count(con, f"{joined} where due <> DAYS_FIRST_DUE + 30 * (number - 1)") == 0
    assert count(con, "instalments where not unpaid and abs(owed - paid) > 0.01") == 0
    assert share(con, "owed = AMT_ANNUITY", joined) > 0.8


def test_days_past_due_follow_late_payments(con: duckdb.DuckDBPyConnection):
    late = """(select SK_ID_PREV, max(DAYS_ENTRY_PAYMENT - DAYS_INSTALMENT) as late
            from installments_payments group by all)
        inner join (select SK_ID_PREV, max(SK_DPD) as dpd from POS_CASH_balance group by all) using (SK_ID_PREV)"""
    assert share(con, "dpd > 0", f"{late} where late <= 0") < 0.01
    assert share(con, "dpd > 0", f"{late} where late > 30") > 0.95


def test_card_balances_follow_drawings_and_stay_near_the_limit(con: duckdb.DuckDBPyConnection):
    parts = "AMT_DRAWINGS_ATM_CURRENT + AMT_DRAWINGS_OTHER_CURRENT + AMT_DRAWINGS_POS_CURRENT"
    assert count(con, f"credit_card_balance where abs(AMT_DRAWINGS_CURRENT - ({parts})) > 0.01") == 0
    assert count(con, "credit_card_balance where AMT_DRAWINGS_CURRENT > 0 and AMT_BALANCE = 0") == 0
    assert share(con, "AMT_BALANCE > 1.1 * AMT_CREDIT_LIMIT_ACTUAL", "credit_card_balance") < 0.01


def test_clients_unknown_to_the_bureau_default_more(con: duckdb.DuckDBPyConnection):
    unknown = "application_train anti join bureau using (SK_ID_CURR)"
    known = "application_train semi join bureau using (SK_ID_CURR)"
    assert 0.12 < count(con, unknown) / CLIENTS < 0.17
    assert share(con, "TARGET = 1", "application_train") == pytest.approx(0.0807, abs=0.012)
    assert share(con, "TARGET = 1", unknown) > share(con, "TARGET = 1", known)


def test_a_model_on_all_features_finds_as_much_as_on_real_clients(con: duckdb.DuckDBPyConnection):
    """The same features of 5,000 real clients give 0.755 (one shuffle varies by 0.005)."""
    frame = con.execute(labelled_features_sql()).df().drop(columns="SK_ID_CURR")
    target = frame.pop("TARGET").to_numpy()
    features = frame.select_dtypes("number").astype(float)
    model = lightgbm.LGBMClassifier(
        n_estimators=120, learning_rate=0.06, num_leaves=8, colsample_bytree=0.2, reg_lambda=20, n_jobs=2, verbose=-1
    )
    predicted = np.zeros(len(target))
    for fold in range(2):
        rows = np.arange(len(target)) % 2 == fold
        predicted[rows] = model.fit(features[~rows], target[~rows]).predict_proba(features[rows])[:, 1]
    assert 0.71 < auc(target, predicted) < 0.80


def test_same_options_same_bytes_whatever_the_threads(tmp_path: Path):
    for name, threads in (("one", 1), ("two", 2)):
        generate(GeneratorOptions(700, 3, tmp_path / name, threads=threads, quiet=True))
    for table in TABLES:
        assert (tmp_path / "one" / f"{table}.csv").read_bytes() == (tmp_path / "two" / f"{table}.csv").read_bytes()


def test_another_seed_gives_other_clients(tmp_path: Path):
    for seed in (1, 2):
        generate(GeneratorOptions(50, seed, tmp_path / str(seed), quiet=True))
    first, second = ((tmp_path / name / "application_train.csv").read_text() for name in ("1", "2"))
    assert first != second


@pytest.mark.parametrize("clients", [1, 2, 17])
def test_a_handful_of_clients_is_enough(clients: int, tmp_path: Path, contract: Contract):
    rows = generate(GeneratorOptions(clients, clients, tmp_path / "raw", quiet=True))
    assert rows["application_train"] == clients
    assert count(open_folder(tmp_path / "raw", contract), "clients") == clients + max(1, round(0.1585 * clients))


@pytest.mark.parametrize("file_format", ["csv.gz", "parquet"])
def test_other_formats_hold_the_same_rows(file_format: str, tmp_path: Path, contract: Contract):
    generate(GeneratorOptions(40, 5, tmp_path / "csv", quiet=True))
    generate(GeneratorOptions(40, 5, tmp_path / "other", file_format=file_format, quiet=True))
    for table in TABLES:
        one, other = (
            open_folder(tmp_path / name, contract).execute(f"select * from {table} order by all").fetchall()
            for name in ("csv", "other")
        )
        assert one == other


def stability_index(reference: np.ndarray, current: np.ndarray) -> float:
    """Population stability index over the deciles of the reference."""
    cuts = np.quantile(reference, STABILITY_BINS)
    shares = [np.bincount(np.searchsorted(cuts, v), minlength=len(cuts) + 1) / len(v) for v in (reference, current)]
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))


@pytest.mark.parametrize("drift", DRIFTS)
def test_drift_shifts_what_it_says_and_nothing_else(drift: str, tmp_path: Path, contract: Contract):
    generate(GeneratorOptions(8_000, 4, tmp_path / "raw", drift=drift, quiet=True))
    con = open_folder(tmp_path / "raw", contract)
    for column in ("EXT_SOURCE_2", "EXT_SOURCE_3", "AMT_GOODS_PRICE", "DAYS_ID_PUBLISH", "DAYS_REGISTRATION"):
        values = [
            con.execute(f"select cast({column} as double) from {table} where {column} is not null")
            .fetchnumpy()
            .popitem()[1]
            for table in ("application_train", "application_test")
        ]
        expected = DRIFTS[drift].shifts.get(column, 0.0) ** 2
        assert stability_index(*values) == pytest.approx(expected, abs=0.04 + 0.25 * expected), column


def test_drift_leaves_the_labelled_clients_alone(tmp_path: Path):
    for drift in ("none", "strong"):
        generate(GeneratorOptions(200, 6, tmp_path / drift, drift=drift, quiet=True))
    train = [(tmp_path / drift / "application_train.csv").read_bytes() for drift in ("none", "strong")]
    test = [(tmp_path / drift / "application_test.csv").read_bytes() for drift in ("none", "strong")]
    assert train[0] == train[1]
    assert test[0] != test[1]


def test_the_manifest_says_how_the_files_were_made(raw_dir: Path):
    manifest = json.loads((raw_dir / GENERATED_MARKER).read_text())
    assert (manifest["clients"], manifest["seed"], manifest["drift"]["name"]) == (CLIENTS, 11, "none")
    assert manifest["rows"]["application_train"] == CLIENTS


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--clients", "-5"], "-5"),
        (["--clients", "0"], "found 0"),
        (["--clients", "10", "--seed", "-1"], "-1"),
    ],
)
def test_a_number_out_of_range_is_one_clear_line(options: list[str], found: str, tmp_path: Path, capsys):
    assert main([*options, "--out", str(tmp_path / "raw")]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("error: expected --")
    assert found in error
    assert not (tmp_path / "raw").exists()


def test_files_that_are_there_are_only_replaced_on_request(tmp_path: Path):
    out = tmp_path / "raw"
    generate(GeneratorOptions(20, 1, out, file_format="parquet", quiet=True))
    (out / "notes.txt").write_text("mine")
    before = (out / "bureau.parquet").read_bytes()
    with pytest.raises(SettingsError, match="add --force"):
        generate(GeneratorOptions(20, 2, out, quiet=True))
    assert (out / "bureau.parquet").read_bytes() == before
    generate(GeneratorOptions(20, 2, out, force=True, quiet=True))
    assert {path.name for path in out.iterdir()} == {f"{table}.csv" for table in TABLES} | {
        GENERATED_MARKER,
        "notes.txt",
    }


def test_a_folder_with_half_a_landing_is_left_alone(tmp_path: Path):
    (tmp_path / ".landing").mkdir()
    (tmp_path / ".landing" / "swap.json").write_text("{}")
    with pytest.raises(RawDataError, match=r"run: python -m warehouse\.land --resume"):
        generate(GeneratorOptions(20, 1, tmp_path, force=True, quiet=True))
    assert [path.name for path in tmp_path.iterdir()] == [".landing"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "raw"):
        with pytest.raises(SettingsError, match="choose another folder"):
            generate(GeneratorOptions(10, 1, out, quiet=True))


@pytest.mark.parametrize("later", [0, 0.03, 0.07, 0.3])  # seconds; much is imported as the first rows are made
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing_behind(sent: signal.Signals, later: float, tmp_path: Path):
    command = [sys.executable, "-m", "warehouse.generate", "--clients", "300000", "--out", str(tmp_path / "raw")]
    with subprocess.Popen(
        command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as run:
        while not list((tmp_path / "raw" / LANDING).glob("*.csv")):
            assert run.poll() is None
            time.sleep(0.002)
        time.sleep(later)
        run.send_signal(sent)
        error = run.communicate()[1]
    assert run.returncode == 130
    assert error.startswith("interrupted:")
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_marginal_gives_back_the_shares_it_was_measured_from():
    values = np.array([1.0] * 60 + [2.0] * 30 + [5.0] * 10)
    marginal = from_json(score(values, np.ones(100)).entry, Texts([]))
    drawn = marginal.at(np.random.default_rng(0).standard_normal(20_000))
    assert [round(float(np.mean(drawn == value)), 1) for value in (1, 2, 5)] == [0.6, 0.3, 0.1]


def test_a_heavy_value_of_a_continuous_variable_keeps_its_weight():
    values = np.concatenate([np.zeros(700), np.linspace(100, 200, 300)])
    marginal = from_json(score(values, np.ones(1000)).entry, Texts([]))
    drawn = marginal.at(np.random.default_rng(0).standard_normal(20_000))
    assert np.mean(drawn == 0) == pytest.approx(0.7, abs=0.01)
    assert np.mean((drawn > 0) & (drawn < 99)) < 0.001


def test_the_nearest_correlation_of_a_correlation_is_itself():
    matrix = np.array([[1.0, 0.5, 0.2], [0.5, 1.0, -0.3], [0.2, -0.3, 1.0]])
    assert nearest_correlation(matrix) == pytest.approx(matrix)


def test_the_nearest_correlation_is_positive_definite():
    matrix = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    repaired = nearest_correlation(matrix, np.ones(3))
    assert np.linalg.eigvalsh(repaired).min() > 0
    assert np.diag(repaired) == pytest.approx(1.0)
