"""What history teaches: archive, training, validation and reports, read from the topics and written back to them."""
