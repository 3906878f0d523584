"""The states of every row with a life: an enum with the words that people read, and one table of moves for each row."""
