"""Images and their classes: data sets, batches, augmentation, scores."""
