"""The local provider, asked as Pulumi's engine asks it, on a real emulator."""
