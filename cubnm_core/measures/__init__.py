"""What is measured on simulations: connectivity, rates, distances, costs."""
