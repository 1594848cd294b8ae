"""What goes wrong in the laboratory itself."""


class LaboratoryError(Exception):
    """One sentence: what was wrong, with which value, what was expected, in which file."""
