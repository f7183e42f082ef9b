"""Pictures in NumPy: shapes, text, resizing; and the window that shows them."""
