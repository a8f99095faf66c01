"""What history teaches: archive, training, validation and reports. It reads what the topics hold and writes what they need."""
