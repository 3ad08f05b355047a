"""Text in the four languages of the catalog."""

from typing import NamedTuple


class LocalizedText(NamedTuple):
    """The same text in each language."""

    zh: str
    en: str
    ja: str
    vi: str

    def translate(self, language: str) -> str | None:
        """Return the translation; None for Chinese, the original, and for languages it does not have."""
        return {"en": self.en, "ja": self.ja, "vi": self.vi}.get(language)
