"""Where a ledger's two keys come from: the one that opens facts and the one that signs checkpoints.

Each is 32 random bytes: given by the caller, else by the environment, else from a file in the user's own configuration
folder that is made on first use and that nobody else may read. They are kept apart from the ledger on purpose: whoever
has the ledger's file alone can neither read a fact nor forge a history.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from pathlib import Path
from typing import TypeAlias

from imgrules.errors import InputError

KEY_BYTES = 32
KeyLike: TypeAlias = bytes | str | Path | None

MASTER = ("IMGRULES_LEDGER_KEY", "ledger.key")
SIGNING = ("IMGRULES_LEDGER_SIGNING_KEY", "signing.key")


def find_key(given: KeyLike, which: tuple[str, str], *, make: bool) -> bytes | None:
    """A key: `given`, else the environment's, else the file's, which is made if it is absent and `make` says so.

    `given` and the variable may be the key itself (32 bytes; base64 or hex as text) or a file that holds it.
    `InputError` if it is no key, cannot be read, or others can read it.
    """
    variable, name = which
    if isinstance(given, bytes):
        if len(given) != KEY_BYTES:
            raise InputError(f"A key has {KEY_BYTES} bytes; the one given has {len(given)}.")
        return given
    if given is not None:
        return _from_text(str(given), "The key given")
    if text := os.environ.get(variable):
        return _from_text(text, f"The variable {variable}")
    path = default_folder() / name
    if not path.exists():
        if not make:
            return None
        _make(path)
    return _from_file(path)


def default_folder() -> Path:
    """The user's own configuration folder of imgrules."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return Path(base) / "imgrules"


def _from_text(text: str, what: str) -> bytes:
    if (key := _decode(text)) is not None:
        return key
    path = Path(text).expanduser()
    if not path.is_file():
        raise InputError(
            f"{what} is neither a key ({KEY_BYTES} bytes, as base64 or hex) nor a file. "
            "Make one with: openssl rand -base64 32"
        )
    return _from_file(path)


def _from_file(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise InputError(f"Others can read the key file {path}. Make it yours alone: chmod 600 {path}")
        key = _decode(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The key file {path} cannot be read: {error}.") from None
    if key is None:
        raise InputError(f"The file {path} holds no key ({KEY_BYTES} bytes, as base64 or hex).")
    return key


def _decode(text: str) -> bytes | None:
    text = text.strip()
    for read in (bytes.fromhex, lambda t: base64.b64decode(t, validate=True)):
        try:
            key = read(text)
        except (ValueError, binascii.Error):
            continue
        if len(key) == KEY_BYTES:
            return key
    return None


def _make(path: Path) -> None:
    """A new key file, whole or not at all; another process that makes it first wins."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    except OSError as error:
        raise InputError(f"The key file {path} cannot be made: {error.strerror or error}.") from None
