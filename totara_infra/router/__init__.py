"""Source of the Lambda function that takes alarms from the intake to the alerts topic."""
