"""The year before: everyday requests, drawn with a fixed seed and lived through the services like every story."""
