"""Other task queues doing the same work; these modules run in a virtual environment of their own."""
