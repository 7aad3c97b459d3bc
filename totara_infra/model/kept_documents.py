"""The data of YAML files, kept between two validations: most files are as they were at the last.

Only what people write about the platform is kept. The engine's own files are short, and may hold
values that it has encrypted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from totara_infra.local.kept import code_version, keep, library_version, recall
from totara_infra.model.yaml_text import build, compose

_NAME = "documents.json"


class KeptDocuments:
    """The data of texts, by their digests.

    It passes through JSON as it is: what is read of YAML is texts, numbers, true, false and
    nothing, in lists and in mappings whose keys are texts.

    Attributes:
        used: digest of a text -> its data as JSON, of the texts that were asked for.
    """

    def __init__(self) -> None:
        depends_on = f"{code_version('model')} {library_version('yaml')}"
        self._key = hashlib.sha256(depends_on.encode()).hexdigest()
        content = recall(_NAME, self._key)
        self._known: dict[str, str] = {} if content is None else json.loads(content)
        self.used: dict[str, str] = {}

    def data(self, text: str) -> Any:
        """The data of a YAML text, which nobody else holds and may be changed.

        Raises:
            YamlFaultsError: see `yaml_text.build`; nothing is kept of such a text.
        """
        mark = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
        written = self.used.get(mark) or self._known.get(mark)
        if written is None:
            written = json.dumps(build(compose(text), engine=False))
        self.used[mark] = written
        return json.loads(written)

    def keep(self) -> None:
        """Keep what was asked for, unless that is what is there."""
        if self.used.keys() != self._known.keys():
            keep(_NAME, self._key, json.dumps(self.used).encode())


_in_use: ContextVar[KeptDocuments | None] = ContextVar("kept_documents", default=None)


@contextmanager
def kept_documents() -> Iterator[None]:
    """Take the data of files that are as they were from what was kept, and keep what is new."""
    documents = KeptDocuments()
    token = _in_use.set(documents)
    try:
        yield
    finally:
        _in_use.reset(token)
    documents.keep()


def data_of(text: str, *, engine: bool) -> Any:
    """The data of a YAML text.

    Args:
        text: of the file.
        engine: see `yaml_text.build`.

    Raises:
        YamlFaultsError: it is not YAML, or not such that every reader takes it alike.
    """
    documents = _in_use.get()
    if documents is None or engine:
        return build(compose(text), engine=engine)
    return documents.data(text)
