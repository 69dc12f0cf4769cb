"""OpenStreetMap: which tags become which layer, and how an extract becomes a pack."""
