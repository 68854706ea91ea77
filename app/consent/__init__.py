"""What physicians allow, and the rules that limit how often we reach out."""
