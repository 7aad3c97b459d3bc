"""The one exception of the local environment."""


class LocalEnvironmentError(Exception):
    """Something that a person has to mend before the local environment can go on.

    Its text is what happened, why, and how to mend it, a line each; commands print it as it is and
    end with exit code 1.

    Args:
        what: What happened, as one sentence.
        why: The cause, where it adds something.
        fix: What to do about it.
    """

    exit_code = 1

    def __init__(self, what: str, why: str = "", fix: str = "") -> None:
        self.what = what
        self.why = why
        self.fix = fix
        super().__init__("\n".join(line for line in (what, why, fix) if line))
