"""Source of the Lambda function that writes the claims into sign-in tokens."""
