"""The platform's conventions as policies that the engine enforces on every preview and update.

They see what the engine is about to make, whatever program declares it, and know the stack's
settings and the catalogue, but not the blueprint: what they would miss there, they find here.
"""
