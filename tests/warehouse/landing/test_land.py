"""Landing the release: what is taken, what is refused, and that the old files stay until all new ones are there."""

import gzip
import io
import json
import stat
import subprocess
import sys
import types
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from warehouse.core.errors import CreditWarehouseError, RawDataError, SettingsError
from warehouse.land import main
from warehouse.landing.workflow import land
from warehouse.loading.contract import Table, load_contract
from warehouse.loading.folder import find_raw_file
from warehouse.loading.swap import GENERATED_MARKER, staging_folder

CONTRACT = load_contract()
TABLES = list(CONTRACT.tables)


def text(table: Table) -> str:
    row = ",".join(f'"{column.values[0]}"' if column.values else "1" for column in table.columns)
    return f"{','.join(table.column_names)}\n{row}\n"


TEXTS = {name: text(table) for name, table in CONTRACT.tables.items()}
LOCATION = "home-credit-default-risk.zip"


def zipped(members: dict[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def members(**changed: bytes | str | None) -> dict[str, bytes | str]:
    """The release as members of an archive; tables changed, or left out when None."""
    found = {f"{name}.csv": changed.get(name, content) for name, content in TEXTS.items()}
    return {name: content for name, content in found.items() if content is not None}


def archive(folder: Path, content: dict[str, bytes | str]) -> Path:
    path = folder / LOCATION
    path.write_bytes(zipped(content))
    return path


def folder_of(folder: Path, content: dict[str, bytes | str]) -> Path:
    folder.mkdir()
    for name, data in content.items():
        (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return folder


def state(raw_dir: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in raw_dir.rglob("*") if path.is_file()} if raw_dir.exists() else {}


def release() -> dict[str, bytes]:
    return {f"{name}.csv": content.encode() for name, content in TEXTS.items()}


@pytest.fixture
def raw_dir(tmp_path: Path) -> Path:
    """A raw folder with generated files in several formats, and a file of somebody else."""
    folder = tmp_path / "raw"
    folder.mkdir()
    for name in TABLES:
        (folder / f"{name}.csv").write_text("old\n")
    (folder / "bureau.csv").rename(folder / "Bureau.parquet")
    (folder / GENERATED_MARKER).write_text("{}")
    (folder / "notes.txt").write_text("mine")
    (folder / "more").mkdir()
    (folder / "more" / "bureau.csv").write_text("mine too")
    return folder


def refused(source: Path, raw_dir: Path, error: type[CreditWarehouseError] = RawDataError) -> str:
    """One line of the refusal; nothing may have changed."""
    before = state(raw_dir)
    with pytest.raises(error) as caught:
        land(source, raw_dir, CONTRACT, report=lambda _: None)
    assert state(raw_dir) == before and not (raw_dir / ".landing").exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_archive_takes_the_place_of_all_old_files_and_leaves_foreign_ones(tmp_path: Path, raw_dir: Path, capsys):
    content = {**members(), "HomeCredit_columns_description.csv": "x", "sample_submission.csv": "x"}
    assert main([str(archive(tmp_path, content)), "--raw-dir", str(raw_dir)]) == 0
    foreign = {"notes.txt": b"mine"}
    found = {path.name: path.read_bytes() for path in raw_dir.iterdir() if path.is_file()}
    assert found == {**release(), **foreign}
    assert (raw_dir / "more" / "bureau.csv").read_text() == "mine too"
    shown = capsys.readouterr().out
    assert "ignored, no table of the release: HomeCredit_columns_description.csv, sample_submission.csv" in shown
    assert "Bureau.parquet, generated.json" in shown and "next: CREDIT_RAW_DIR=" in shown
    for name in TABLES:
        assert f"{name}.csv" in shown


def test_the_marker_comes_along_when_generated_files_are_landed(tmp_path: Path, raw_dir: Path):
    source = folder_of(tmp_path / "source", {**members(), GENERATED_MARKER: '{"clients": 5}'})
    land(source, raw_dir, CONTRACT, report=lambda _: None)
    assert json.loads((raw_dir / GENERATED_MARKER).read_text()) == {"clients": 5}


def test_a_raw_folder_that_does_not_exist_is_made_and_not_left_behind_by_a_refusal(tmp_path: Path):
    raw_dir = tmp_path / "new" / "raw"
    refused(archive(tmp_path, members(bureau="x\n1\n")), raw_dir)
    assert not raw_dir.parent.exists()
    land(archive(tmp_path, members()), raw_dir, CONTRACT, report=lambda _: None)
    assert state(raw_dir) == release()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
def test_archives_inside_the_archive_are_unpacked(tmp_path: Path, raw_dir: Path, method: int):
    inner = {f"{name}.zip": zipped({name: content}) for name, content in members().items()}
    path = tmp_path / LOCATION
    path.write_bytes(zipped({"__MACOSX/._bureau.csv": "x", **{f"data/{n}": c for n, c in inner.items()}}, method))
    land(path, raw_dir, CONTRACT, report=lambda _: None)
    found = {path.name: path.read_bytes() for path in raw_dir.glob("*.csv")}
    assert found == release()


def test_a_folder_of_mixed_formats_is_landed_and_names_are_mended_by_the_content(tmp_path: Path, raw_dir: Path):
    content = members()
    bureau, balance = content.pop("bureau.csv"), content.pop("bureau_balance.csv")
    content["bureau.csv"] = gzip.compress(str(bureau).encode())  # packed, but not called so
    content["bureau_balance.csv.zip"] = zipped({"bureau_balance.csv": balance})
    content["POS_CASH_balance.CSV"] = content.pop("POS_CASH_balance.csv")
    land(folder_of(tmp_path / "source", content), raw_dir, CONTRACT, report=lambda _: None)
    assert find_raw_file(raw_dir, "bureau").name == "bureau.csv.gz"
    assert find_raw_file(raw_dir, "bureau_balance").read_text() == balance
    assert find_raw_file(raw_dir, "POS_CASH_balance").name == "POS_CASH_balance.csv"


def test_the_archive_may_lie_in_the_folder(tmp_path: Path, raw_dir: Path):
    (tmp_path / "downloads").mkdir()
    archive(tmp_path / "downloads", members())
    land(tmp_path / "downloads", raw_dir, CONTRACT, report=lambda _: None)
    assert find_raw_file(raw_dir, "bureau").name == "bureau.csv"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (members(bureau=None), "found none for bureau"),
        (members(bureau="SK_ID_CURR,X\n1,2\n"), "no SK_ID_BUREAU"),
        (members(bureau="<!DOCTYPE html><html>sign in</html>"), "bureau.csv; found a web page"),
        (members(bureau="version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), "Git LFS pointer"),
        (members(bureau=""), "empty file"),
        (members(application_test=TEXTS["application_test"].splitlines()[0] + "\n"), "readable rows in"),
        (members(bureau=gzip.compress(TEXTS["bureau"].encode())[:-9]), "bureau.csv"),
        (members(bureau=TEXTS["bureau"].encode("utf-16")), "UTF-16"),
        ({**members(), "more/bureau.csv": TEXTS["bureau"]}, "one file for bureau; found"),
        ({**members(), "bureau.csv.gz": gzip.compress(b"x")}, "one file for bureau; found"),
        ({**members(), "../evil.csv": "x"}, "a path outside the folder: ../evil.csv"),
        ({**members(), "/etc/evil": "x"}, "a path outside the folder"),
        ({**members(), "C:\\evil": "x"}, "a path outside the folder"),
        ({**members(), "a\\..\\..\\evil": "x"}, "a path outside the folder"),
        (members(bureau="0" * 50_000_000), "that announces 50,000,000: bureau.csv"),
        (members(bureau=zipped({"bureau.csv": zipped({"bureau.csv": TEXTS["bureau"]})})), "an archive in an archive"),
    ],
    ids=[
        "table missing", "columns missing", "web page", "LFS pointer", "empty", "header only", "cut gzip", "UTF-16",
        "table twice", "table in two formats", "path above", "absolute path", "drive", "backslashes", "bomb", "nested",
    ],
)  # fmt: skip
def test_a_bad_archive_is_refused_and_changes_nothing(
    tmp_path: Path, raw_dir: Path, content: dict[str, bytes | str], message: str
):
    assert message in refused(archive(tmp_path, content), raw_dir)


def patched(data: bytes, change: Callable[[zipfile.ZipFile, bytearray], None]) -> bytes:
    changed = bytearray(data)
    change(zipfile.ZipFile(io.BytesIO(data)), changed)
    return bytes(changed)


def central(data: bytearray, name: bytes) -> int:
    """Start of a member's entry in the central directory."""
    return data.rindex(name) - 46


def announce(size: int) -> Callable[[zipfile.ZipFile, bytearray], None]:
    def change(_: zipfile.ZipFile, data: bytearray) -> None:
        at = central(data, b"bureau_balance.csv") + 24
        data[at : at + 4] = size.to_bytes(4, "little")

    return change


def encrypt(_: zipfile.ZipFile, data: bytearray) -> None:
    data[central(data, b"bureau_balance.csv") + 8] |= 1


def damage(opened: zipfile.ZipFile, data: bytearray) -> None:
    info = opened.getinfo("bureau_balance.csv")
    data[info.header_offset + 30 + len(info.filename) + 5] ^= 0xFF


def cut(_: zipfile.ZipFile, data: bytearray) -> None:
    del data[-200:]


def unknown_packing(_: zipfile.ZipFile, data: bytearray) -> None:
    at = central(data, b"bureau_balance.csv") + 10
    data[at : at + 2] = (9).to_bytes(2, "little")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (announce(10), "bureau_balance.csv; found"),
        (announce(1_000), "expected 1,000 bytes"),
        (encrypt, "an encrypted member: bureau_balance.csv; unpack it with its password"),
        (damage, "damaged or cut file"),
        (cut, "damaged or cut file"),
        (unknown_packing, "a packing method that is not read; unpack it"),
    ],
    ids=["more than announced", "less than announced", "encrypted", "checksum", "cut", "packing"],
)
def test_an_archive_that_lies_about_its_members_is_refused(tmp_path: Path, raw_dir: Path, change, message: str):
    path = tmp_path / LOCATION
    path.write_bytes(patched(zipped(members()), change))
    assert message in refused(path, raw_dir)


def test_a_symbolic_link_in_an_archive_is_refused(tmp_path: Path, raw_dir: Path):
    path = archive(tmp_path, members(bureau=None))
    link = zipfile.ZipInfo("bureau.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as opened:
        opened.writestr(link, "/etc/passwd")
    assert "a symbolic link: bureau.csv" in refused(path, raw_dir)


def test_too_little_room_is_told_before_anything_is_written(tmp_path: Path, raw_dir: Path, monkeypatch):
    usage = types.SimpleNamespace(total=1, used=1, free=100)
    monkeypatch.setattr("warehouse.landing.workflow.shutil.disk_usage", lambda _: usage)
    assert "MB of room" in refused(archive(tmp_path, members()), raw_dir, SettingsError)


def test_a_disk_that_fills_up_while_landing_changes_nothing(tmp_path: Path, raw_dir: Path, monkeypatch):
    calls = []

    def full(_: int) -> None:
        calls.append(1)
        if len(calls) == 5:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("warehouse.landing.workflow.os.fsync", full)
    assert "No space left on device; make room" in refused(archive(tmp_path, members()), raw_dir, SettingsError)


def test_a_folder_in_the_place_of_a_file_and_the_raw_folder_itself_are_refused(tmp_path: Path, raw_dir: Path):
    assert "the raw folder itself" in refused(raw_dir, raw_dir)
    (raw_dir / "POS_CASH_balance.csv").unlink()
    (raw_dir / "POS_CASH_balance.csv").mkdir()
    assert "found a folder" in refused(archive(tmp_path, members()), raw_dir)


def test_two_landings_do_not_run_at_the_same_time(tmp_path: Path, raw_dir: Path):
    with staging_folder(raw_dir), pytest.raises(RawDataError, match="another command that reads or changes it"):
        land(archive(tmp_path, members()), raw_dir, CONTRACT, report=lambda _: None)


KILLED = """
import os, signal, sys
from pathlib import Path
step, after, source, raw_dir = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
def counted(function):
    calls = []
    def call(*args, **kwargs):
        calls.append(1)
        if len(calls) == after:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **kwargs)
    return call
import warehouse.land as module
if step == "replace":
    Path.replace = counted(Path.replace)
elif step == "unlink":
    Path.unlink = counted(Path.unlink)
else:
    os.fsync = counted(os.fsync)
sys.exit(module.main([source, "--raw-dir", raw_dir]))
"""


@pytest.mark.parametrize(
    ("step", "after", "decided"),
    [("fsync", 1, False), ("fsync", 8, False), ("replace", 1, False), ("replace", 2, True), ("replace", 6, True),
     ("unlink", 1, True), ("unlink", 3, True)],
    ids=["first file", "last file", "journal", "before the swap", "half swapped", "old files", "journal goes"],
)  # fmt: skip
def test_a_killed_landing_leaves_the_old_files_or_is_finished_later(
    tmp_path: Path, raw_dir: Path, step: str, after: int, decided: bool
):
    before, source = state(raw_dir), archive(tmp_path, members())
    command = [sys.executable, "-c", KILLED, step, str(after), str(source), str(raw_dir)]
    assert subprocess.run(command, check=False, capture_output=True).returncode == -9
    if decided:
        with pytest.raises(RawDataError, match=r"run: python -m warehouse\.land --resume"):
            find_raw_file(raw_dir, "bureau")
        assert main(["--resume", "--raw-dir", str(raw_dir)]) == 0
        assert find_raw_file(raw_dir, "bureau").read_text() == TEXTS["bureau"]
        assert not (raw_dir / GENERATED_MARKER).exists()
    else:
        kept = {path.name: path.read_bytes() for path in raw_dir.iterdir() if path.is_file()}
        assert kept.items() <= before.items() and len(kept) == len(before) - 1
    land(source, raw_dir, CONTRACT, report=lambda _: None)
    found = {path.name: path.read_bytes() for path in raw_dir.iterdir() if path.is_file()}
    assert found == {**release(), "notes.txt": b"mine"} and not (raw_dir / ".landing").exists()


class Client:
    """Stands in for the client of the package kaggle."""

    def authenticate(self) -> None:
        pass

    def competition_download_files(self, competition: str, path: str, quiet: bool) -> None:
        archive(Path(path), members())
        assert f"{competition}.zip" == LOCATION and not quiet


class Stranger(Client):
    def authenticate(self) -> None:
        print("Could not find kaggle.json.\nMake sure it is there.")
        sys.exit(1)


class Refused(Client):
    def competition_download_files(self, competition: str, path: str, quiet: bool) -> None:
        raise RuntimeError("403 Client Error: Forbidden\nand more")


def kaggle(monkeypatch: pytest.MonkeyPatch, client: type | None) -> None:
    module = types.ModuleType("kaggle.api.kaggle_api_extended")
    if client:
        module.KaggleApi = client
    for name in ("kaggle", "kaggle.api"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name) if client else None)
    monkeypatch.setitem(sys.modules, module.__name__, module if client else None)


def test_the_release_is_downloaded_with_the_package_kaggle(raw_dir: Path, monkeypatch):
    kaggle(monkeypatch, Client)
    assert main(["--kaggle", "--raw-dir", str(raw_dir)]) == 0
    assert find_raw_file(raw_dir, "bureau").read_text() == TEXTS["bureau"]
    assert not [path for path in raw_dir.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("client", "message"),
    [
        (None, "the package kaggle for --kaggle; found it is not installed; run: pip install kaggle"),
        (Stranger, "found none that the package kaggle accepts; create an API token"),
        (Refused, "found 403 Client Error: Forbidden; accept the rules"),
    ],
    ids=["not installed", "no credentials", "refused"],
)
def test_what_kaggle_needs_is_said_in_one_line(tmp_path: Path, monkeypatch, capsys, client: type | None, message: str):
    kaggle(monkeypatch, client)
    assert main(["--kaggle", "--raw-dir", str(tmp_path / "raw")]) == 1
    shown = capsys.readouterr()
    assert message in shown.err and shown.err.count("\n") == 1 and not shown.out


@pytest.mark.parametrize("arguments", [["none.zip"], [__file__]], ids=["nothing", "no archive"])
def test_a_path_that_is_no_release_is_told_in_one_line(tmp_path: Path, capsys, arguments: list[str]):
    assert main([*arguments, "--raw-dir", str(tmp_path / "raw")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: expected the archive") and error.count("\n") == 1
