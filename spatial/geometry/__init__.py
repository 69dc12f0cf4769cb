"""Areas, overlaps, discs and cells, computed on coordinates; knows of no measure and no plan."""
