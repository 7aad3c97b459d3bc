"""The one kind of error that reaches the user: what happened, and the way out."""


class Refusal(Exception):
    """The provider will not do what it was asked; the text is shown to the user as it stands."""


class AlreadyExists(Refusal):
    """A thing of that name lives already and was not made by this stack."""

    def __init__(self, what: str, identifier: str) -> None:
        super().__init__(
            f"{what} exists already and this stack did not make it: import it"
            f" (`pulumi import` with the id {identifier}) or delete it, then run again"
        )


class NotSettled(Exception):
    """AWS had not finished within the time allowed."""
