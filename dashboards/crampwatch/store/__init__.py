"""What is kept for years: features, temperatures, states, episodes, notices and the wearer's journal."""
