"""What is decided: pure folds over events. No I/O, no Bytewax, no clock, no randomness."""
