"""What every exported model costs where it will run: recommendations, fronts, queues, speed-ups, statistics."""
