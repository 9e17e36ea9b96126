"""Settings, the data folder and the addresses that follow from them."""
