"""Text in the four languages of the catalog."""

from typing import NamedTuple


class LocalizedText(NamedTuple):
    """The same text in each language."""

    zh: str
    en: str
    ja: str
    vi: str

    def translate(self, language: str) -> str | None:
        """Return the text in the language with this code; None if the catalog does not have it."""
        return {"en": self.en, "ja": self.ja, "vi": self.vi}.get(language)
