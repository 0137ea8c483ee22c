"""The same request again is answered as it was the first time, and done once."""
