"""How far figures may be off: bands of positions, samples, simulations, and what they add up to."""
