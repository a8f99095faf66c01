"""What is said: Avro schemas, the topic table, typed events and the codec."""
