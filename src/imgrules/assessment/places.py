"""Where a statement stands in the rule files, by line, and when the file was last checked: for people who keep them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from imgrules.rulebase.document import Document, read_document
from imgrules.rulebase.document import Path as DataPath
from imgrules.rulebase.load import read_files


@dataclass(frozen=True, slots=True)
class ValuesPlace:
    """Where the values of one parameter stand: the file, the line of each, and the day the file was last checked."""

    file: str
    lines: tuple[int, ...]
    checked: date


class Places:
    """The rule files of a folder, read again with their lines. Files are named as a rulebase's entries name them."""

    def __init__(self, folder: Path, label: str = "rules") -> None:
        self.documents: dict[str, Document] = {}
        for name, text in read_files(folder).items():
            self.documents[name] = read_document(text, f"{label}/{name}")

    def document(self, file: str) -> Document | None:
        """The document of a file as an entry names it, whatever folder it was loaded from."""
        parts = file.split("/")
        tails = ("/".join(parts[i:]) for i in range(len(parts)))
        return next((self.documents[tail] for tail in tails if tail in self.documents), None)

    def line(self, file: str, path: DataPath, otherwise: int = 1) -> int:
        """The line of a path in a file."""
        document = self.document(file)
        return document.place(path)[0] if document else otherwise

    def values(self) -> dict[tuple[str, str | None], ValuesPlace]:
        """Where every parameter's values stand, by the parameter's full name and jurisdiction."""
        found: dict[tuple[str, str | None], ValuesPlace] = {}
        for document in self.documents.values():
            data = document.data or {}
            code = (data.get("jurisdiction") or {}).get("code") or data.get("for_jurisdiction")
            for name, body in (data.get("parameters") or {}).items():
                defined = isinstance(body, dict)
                values = body.get("values") if defined else body
                path: DataPath = ("parameters", name, "values") if defined else ("parameters", name)
                if values:
                    lines = tuple(document.place((*path, i))[0] for i in range(len(values)))
                    full = f"{name}@{code}" if defined and code else name
                    found[full, code] = ValuesPlace(document.file, lines, data["checked"])
        return found
