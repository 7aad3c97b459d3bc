"""What AWS takes and what it refuses, from its own published models, before anything is made."""
