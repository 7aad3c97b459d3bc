"""AWS's refusals as errors for people, without anything that was sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from totara_infra.model.problems import TotaraError


class AwsRefusedError(TotaraError):
    """AWS did not do what it was asked, or could not be reached."""

    exit_code = 1


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn an AWS error into one for people.

    Args:
        doing: what is being done, e.g. `reading the list of secrets`.

    Raises:
        AwsRefusedError: with AWS's own code and words. It is raised from nothing: an error of the
            SDK can carry the request, and the request can carry a value.
    """
    try:
        yield
    except ClientError as error:
        answer = error.response.get("Error", {})
        code = answer.get("Code", "unknown")
        raise AwsRefusedError(
            f"AWS refused while {doing}: {answer.get('Message', '')} [{code}]\n"
            f"    fix: {_advice(code)}"
        ) from None
    except BotoCoreError as error:
        raise AwsRefusedError(
            f"AWS could not be asked while {doing} [{type(error).__name__}].\n"
            "    fix: check AWS_PROFILE, the credentials and the network, then run it again."
        ) from None


def _advice(code: str) -> str:
    if "AccessDenied" in code:
        return "use a profile that may: break-glass reads secrets, rotation replaces them"
    if "Decrypt" in code or "Encrypt" in code or "KMS" in code:
        return "check that the secret's KMS key is enabled and that your role may use it"
    return "mend what it says, then run the command again; what is done already is skipped"
