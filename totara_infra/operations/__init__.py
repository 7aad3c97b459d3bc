"""The blueprint held against a live environment, through boto3."""
