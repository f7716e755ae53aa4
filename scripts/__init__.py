"""Small programs of the project itself: none is shipped."""
