"""What the test run itself is made of: servers, databases, processes, a browser."""
