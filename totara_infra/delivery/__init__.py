"""Running the engine for a stack: context, progress, report, rehearsals."""
