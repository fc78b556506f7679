"""Opening the warehouse file: what is wrong is said as it is."""

import duckdb
import pytest

from warehouse.core.database import connect
from warehouse.core.errors import WarehouseLockedError, WarehouseMissingError


def test_a_damaged_file_in_a_folder_called_lock_is_not_reported_as_locked(tmp_path):
    path = tmp_path / "padlock" / "clock.duckdb"
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(WarehouseMissingError, match="remove the file"):
        connect(path)


def test_a_file_that_another_process_writes_is_reported_as_locked(monkeypatch, tmp_path):
    path = tmp_path / "home.duckdb"
    duckdb.connect(str(path)).close()

    def held(*_: object, **__: object) -> None:
        raise duckdb.IOException(f'IO Error: Could not set lock on file "{path}": Conflicting lock is held in python')

    monkeypatch.setattr(duckdb, "connect", held)
    with pytest.raises(WarehouseLockedError, match="Conflicting lock"):
        connect(path)
