"""Figures: data and drawing, apart."""
