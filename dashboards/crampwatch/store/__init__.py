"""What is stored for years: features, temperatures, states, episodes, notices and the wearer's journal."""
