"""Twenty rules over synthetic asks, judged by this library, by hand-written code and by packaged engines."""
