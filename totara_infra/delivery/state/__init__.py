"""The engine's state of a stack: what it is in, who holds it, and how a lost one is made again."""
