"""Records → one self-contained page: tables that sort, figures, differences of any two rows, and where all came from."""
