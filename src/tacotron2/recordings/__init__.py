"""Long recordings to a data set: read, cut in pauses, levelled, judged, given their texts, split."""
