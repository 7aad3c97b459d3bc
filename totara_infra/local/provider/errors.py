"""The one kind of error that reaches the user: what happened, and the way out."""


class Refusal(Exception):
    """The provider will not do what it was asked; the text is shown to the user as it stands."""


class AlreadyExists(Refusal):
    """A thing of that name is in AWS, and the engine asked to make it.

    Who made it is not known here: it may stand in the stack's state under another name, have been
    made by an update whose state was lost, or be somebody else's.
    """

    def __init__(self, what: str, identifier: str) -> None:
        super().__init__(
            f"{what} exists already, and the state has no such resource under this name."
            " If this stack made it (an update was cut off, the state was lost, or its declaration"
            " was renamed), `totara state rebuild` takes it back into the state. If something else"
            f" made it, `pulumi import` with the id {identifier} takes it over. Delete it only"
            " once you know that nothing uses it"
        )


class NotSettled(Exception):
    """AWS had not finished within the time allowed."""
