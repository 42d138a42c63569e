"""What models get of Clawtrail by the Model Context Protocol: the same tools, whoever serves them."""
