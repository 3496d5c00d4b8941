"""What readers ask, and how Redis is kept fit to answer: the read API, its clients, retention and rebuild."""
