"""Landscapes and what is read off them; no torch."""
