"""The shipped models: their catalogue, thumbnails, and how they are made again."""
