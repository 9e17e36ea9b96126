"""The night view: reads recordings and the store, serves a night and its signals."""
