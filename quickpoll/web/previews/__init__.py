"""What others show of a poll when its address is shared: words, a picture, a frame."""
