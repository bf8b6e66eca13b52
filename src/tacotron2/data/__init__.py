"""Lists of recordings, cached features, batches."""
