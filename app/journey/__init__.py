"""What happened between the company and a physician."""
