"""What is wrong with a file of objectives."""

from __future__ import annotations

from pipeline.shared.checked_yaml.errors import DocumentError


class SpecificationError(DocumentError):
    """A file is no specification."""
