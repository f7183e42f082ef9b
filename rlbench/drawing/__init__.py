"""Drawing: shapes, text and resizing in NumPy, and the window that shows frames. It imports `errors` alone."""
