"""From long recordings to clips with their texts."""
