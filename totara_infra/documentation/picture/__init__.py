"""The sequence as a picture that can be zoomed and asked."""
