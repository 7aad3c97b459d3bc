"""What each pattern of the models asks for, in words: people read these, not the expressions."""

FORMS = {
    r"\?$": "a question, with a question mark at its end",
    r"^(-[a-z0-9]+)*$": "empty, or lower-case letters and digits after a hyphen, such as `-acorn`",
    r"^(Average|Maximum|Minimum|SampleCount|Sum|p(100|\d{1,2}(\.\d{1,2})?))$": (
        "Average, Maximum, Minimum, SampleCount, Sum, or a percentile such as p95 or p99.9"
    ),
    r"^ALERT(-[A-Z][A-Z0-9]*)+-\d{3}$": (
        "ALERT, a subject in capital letters and three digits, such as ALERT-PAY-001"
    ),
    r"^MOD-\d{3}$": "MOD and three digits, such as MOD-119",
    r"^SD0[1-8]$": "SD01 to SD08",
    r"^[0-9]{12}$": "twelve digits in quotes, such as '123456789012'",
    r"^\d{12}$": "twelve digits in quotes, such as '123456789012'",
    r"^[0-9a-f]{40}([0-9a-f]{24})?$": "the whole hash of a Git commit",
    r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}$": "a GitHub organisation: letters, digits and hyphens",
    r"^[A-Za-z0-9_+=,.@-]{1,64}$": (
        "the name of one IAM role: up to 64 letters, digits and characters of `_+=,.@-`, "
        "without a wildcard"
    ),
    r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$": (
        "letters, digits, spaces and any of `_.:/=+-@`; AWS allows nothing else in a tag"
    ),
    r"^[a-z0-9]+(-[a-z0-9]+)*$": "lower-case letters and digits, joined by single hyphens",
    r"^[a-z]+(-[a-z]+)*$": "lower-case letters, joined by single hyphens",
    r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$": (
        "lower-case letters and digits, joined by single hyphens, with a letter first"
    ),
    r"^[a-z][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*){1,5}$": (
        "two to six lower-case words joined by dots, such as payments.limits.daily"
    ),
    r"^[a-z][a-z0-9_]*$": "lower-case letters, digits and underscores, with a letter first",
    r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$": "schema and name in lower case, such as payments.limits",
    r"^[a-z]{2}(-[a-z]+)+-[0-9]$": "an AWS region, such as ap-southeast-2",
    r"^cron\(\S+ \S+ \S+ \S+ \S+ \S+\)$": (
        "an AWS cron expression with six fields, such as cron(0 18 * * ? *)"
    ),
    r"^http://(127\.[0-9]+\.[0-9]+\.[0-9]+|localhost):[0-9]+$": (
        "an address on this machine, such as http://127.0.0.1:4566"
    ),
    r"^sha256:[0-9a-f]{64}$": "sha256: and 64 hexadecimal digits",
}
"""Pattern -> what it asks for, to follow `write`."""
