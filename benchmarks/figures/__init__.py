"""Records → figures: charts with seaborn and matplotlib, sheets of pictures. Nothing here trains or needs torch."""
