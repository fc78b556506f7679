"""Who may ask what: hashed keys with scopes and an allowance, read again when their file changes.

    {"keys": [{"name": "branch 12", "sha256": "...", "scopes": ["decide", "read"], "per_minute": 600}]}

Keys are 256 random bits, so that one SHA-256 is enough to keep them.
"""

import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from warehouse.core.errors import SettingsError
from warehouse.core.files import write_text

Scope = Literal["decide", "simulate", "read", "admin"]
SCOPES: tuple[Scope, ...] = ("decide", "simulate", "read", "admin")
PER_MINUTE = 600
PREFIX = "credit_"


class StoredKey(BaseModel):
    """A key as the file holds it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=80)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    scopes: tuple[Scope, ...]
    per_minute: Annotated[int, Field(ge=1)] = PER_MINUTE


class KeyFile(BaseModel):
    """The file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keys: tuple[StoredKey, ...]


@dataclass(frozen=True)
class Caller:
    """Who asks, and what it may do."""

    name: str
    scopes: frozenset[str]


LOCAL = Caller("this machine", frozenset(SCOPES))


class KeyRing:
    """The keys of a file.

    Parameters
    ----------
    path : Path
    workers : int
        Processes that share the allowance of a key.

    Raises
    ------
    SettingsError
        The file is missing or is no file of keys.
    """

    def __init__(self, path: Path, workers: int = 1) -> None:
        self._path, self._workers = path, workers
        self._lock = threading.Lock()
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._read_at: tuple[int, int] | None = None
        self._keys: tuple[StoredKey, ...] = ()
        self._refresh()

    def find(self, key: str) -> StoredKey | None:
        """The key of this text, in a time that does not depend on which it is."""
        self._refresh()
        digest = key_digest(key)
        found = None
        for stored in self._keys:
            if hmac.compare_digest(stored.sha256, digest):
                found = stored
        return found

    def allows(self, stored: StoredKey) -> bool:
        """Use one request of a key's allowance; False when it is used up."""
        allowance = RateLimitItemPerMinute(max(1, stored.per_minute // self._workers))
        return self._limiter.hit(allowance, stored.name)

    def _refresh(self) -> None:
        """Read the file when it is another one; a file that cannot be read leaves the old keys."""
        try:
            about = self._path.stat()
        except OSError as error:
            if self._read_at is None:
                raise _unreadable(self._path, "no such file") from error
            return
        read_at = (about.st_mtime_ns, about.st_size)
        if read_at == self._read_at:
            return
        with self._lock:
            try:
                self._keys = read_keys(self._path)
            except SettingsError:
                if self._read_at is None:
                    raise
            self._read_at = read_at


def read_keys(path: Path) -> tuple[StoredKey, ...]:
    """The keys of a file; `SettingsError` when it is none."""
    try:
        return TypeAdapter(KeyFile).validate_python(json.loads(path.read_text(encoding="utf-8"))).keys
    except FileNotFoundError as error:
        raise _unreadable(path, "no such file") from error
    except (OSError, ValueError) as error:
        raise _unreadable(path, _fault(error)) from error


def add_key(path: Path, name: str, scopes: Sequence[Scope], per_minute: int = PER_MINUTE) -> str:
    """Add a key to a file, made when it is missing; the key itself, which is stored nowhere.

    Raises
    ------
    SettingsError
        The file is no file of keys, or has a key of this name.
    """
    known = read_keys(path) if path.exists() else ()
    if any(stored.name == name for stored in known):
        raise SettingsError(expected=f"a new name in {path}", found=f"a key named {name}", remedy="remove it first")
    key = PREFIX + secrets.token_urlsafe(32)
    added = StoredKey(name=name, sha256=key_digest(key), scopes=tuple(scopes), per_minute=per_minute)
    _write(path, (*known, added))
    return key


def remove_key(path: Path, name: str) -> None:
    """Take a key out of a file; running servers notice with the next request.

    Raises
    ------
    SettingsError
        The file is no file of keys, or has no key of this name.
    """
    known = read_keys(path)
    kept = tuple(stored for stored in known if stored.name != name)
    if len(kept) == len(known):
        names = ", ".join(stored.name for stored in known) or "none"
        raise SettingsError(expected=f"a key named {name} in {path}", found=names, remedy="name one of these")
    _write(path, kept)


def key_digest(key: str) -> str:
    """What is stored of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _write(path: Path, keys: tuple[StoredKey, ...]) -> None:
    write_text(path, KeyFile(keys=keys).model_dump_json(indent=1) + "\n")
    path.chmod(0o600)


def _fault(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)


def _unreadable(path: Path, found: str) -> SettingsError:
    return SettingsError(
        expected=f"hashed keys in {path} (CREDIT_API_KEYS_FILE)",
        found=found,
        remedy="run: python -m ml.serve keys --help",
    )
